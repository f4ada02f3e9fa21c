import Glibc
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import HTTPKernel

/// A server with accounts: what it lets whom hold.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ConnectionSharesTests {
    private static func shares(connections: Int, strangers: Int, bytes: Int = 64 << 20) -> ConnectionShares {
        ConnectionShares(
            memory: MemoryAccount(limitBytes: bytes),
            descriptors: DescriptorAccount(
                DescriptorAccount.Limits(connectionCount: connections, strangerCount: strangers, tableCount: 1)))
    }

    /// Whoever asks for `/signed` has signed.
    private static let handler: Handler = { request, writer in
        if request.head.target == "/signed" { request.connection.noteVerified() }
        try await writer.respond(Response(ResponseHead(.ok), body: ByteBuffer(string: "ok")))
    }

    private static func ask(_ client: SocketClient, _ target: String = "/signed") throws -> String {
        try client.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
        return client.receiveAnswer().head
    }

    @Test func theOldestSilentStrangerMakesRoomForTheNext() async throws {
        let shares = Self.shares(connections: 8, strangers: 2)
        try await withServer(shares: shares, handler: Self.handler) { server in
            let signer = try SocketClient(server.addresses[0])
            #expect(try Self.ask(signer).hasPrefix("HTTP/1.1 200 "))
            #expect(shares.descriptors.count(of: .signer) == 1)
            let first = try SocketClient(server.addresses[0])
            #expect(try Self.ask(first, "/").hasPrefix("HTTP/1.1 200 "))
            let second = try SocketClient(server.addresses[0])
            #expect(try Self.ask(second, "/").hasPrefix("HTTP/1.1 200 "))
            let third = try SocketClient(server.addresses[0])
            #expect(try Self.ask(third, "/").hasPrefix("HTTP/1.1 200 "))
            #expect(first.isAtEnd)
            #expect(try Self.ask(second, "/").hasPrefix("HTTP/1.1 200 "))
            #expect(try Self.ask(signer).hasPrefix("HTTP/1.1 200 "))
            #expect(shares.descriptors.count(of: .stranger) == 2)
        }
        #expect(shares.descriptors.count(of: .stranger) == 0)
        #expect(shares.descriptors.count(of: .signer) == 0)
    }

    @Test func whereNobodyCanBeCutTheNextIsTurnedAway() async throws {
        let shares = Self.shares(connections: 2, strangers: 2)
        try await withServer(shares: shares, handler: Self.handler) { server in
            let first = try SocketClient(server.addresses[0])
            _ = try Self.ask(first)
            let second = try SocketClient(server.addresses[0])
            _ = try Self.ask(second)
            let third = try SocketClient(server.addresses[0])
            #expect(third.receiveHead().hasPrefix("HTTP/1.1 503 "))
            #expect(try Self.ask(first).hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// Thousands who say nothing do not keep out one who signs.
    @Test func strangersDoNotKeepSignersOut() async throws {
        let shares = Self.shares(connections: 64, strangers: 48)
        try await withServer(shares: shares, handler: Self.handler) { server in
            var crowd: [SocketClient] = []
            for _ in 0..<200 { crowd.append(try SocketClient(server.addresses[0])) }
            for _ in 0..<8 {
                let client = try SocketClient(server.addresses[0])
                #expect(try Self.ask(client).hasPrefix("HTTP/1.1 200 "))
                crowd.append(client)
            }
            #expect(shares.descriptors.count(of: .stranger) <= 48)
            withExtendedLifetime(crowd) {}
        }
    }

    @Test func ofAStrangersBodyNoMoreIsTakenThanCameWithItsHead() async throws {
        let shares = Self.shares(connections: 8, strangers: 8)
        let (goOn, turn) = AsyncStream.makeStream(of: Void.self)
        let received = Mutex<[UInt64]>([])
        let handler: Handler = { request, writer in
            for await _ in goOn { break }
            received.withLock { $0.append(request.body.receivedBytes) }
            while try await request.body.next() != nil {}
            received.withLock { $0.append(request.body.receivedBytes) }
            try await writer.respond(Response(ResponseHead(.ok)))
        }
        try await withServer(shares: shares, handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n")
            let taken = client.sendWhatFits(limit: 10_000_000)
            turn.yield()
            try client.send([UInt8](repeating: 0x61, count: 10_000_000 - taken))
            #expect(client.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
        let counts = received.withLock { $0 }
        #expect(counts.first.map { $0 <= UInt64(HTTPLimits.receiveBytes) } == true)
        #expect(counts.last == 10_000_000)
    }

    @Test func headsOfStrangersThatDoNotEndAreBounded() throws {
        // An eighth of this is the strangers': one such head, and not two.
        let shares = Self.shares(connections: 8, strangers: 8, bytes: 320 << 10)
        let head = "GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + String(repeating: "a", count: 20_000)
        let first = try KernelHarness(shares: shares)
        try first.receive(head)
        #expect(shares.memory.usedBytes >= 20_000)
        let second = try KernelHarness(shares: shares)
        try second.receive(head)
        #expect(try second.sent().hasPrefix("HTTP/1.1 503 "))
        // It is whole and answered.
        try first.receive("\r\n\r\n")
        #expect(try first.sent().hasPrefix("HTTP/1.1 200 "))
        #expect(shares.memory.usedBytes == 0)
    }

    /// A body too large to be laid together with its head waits in the channel: a client that pipelines and takes nothing must not
    /// make the server gather such bodies without end.
    @Test func aClientThatTakesNoAnswersIsAskedForNoMore() throws {
        let harness = try KernelHarness()
        var answeredCount = 0
        harness.service.routing = { _ in
            answeredCount += 1
            return .respond(Response(ResponseHead(.ok), body: ByteBuffer(repeating: 0x61, count: 64 * 1024)))
        }
        try harness.receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answeredCount == 1)
        harness.channel.isWritable = false
        try harness.receive(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 100))
        #expect(answeredCount == 1)
        harness.channel.isWritable = true
        harness.channel.pipeline.fireChannelWritabilityChanged()
        #expect(answeredCount == 101)
    }

    @Test func nothingIsHeldForAClientThatHasPaused() async throws {
        let (stalls, noted) = AsyncStream.makeStream(of: Int.self)
        let handler: Handler = { _, writer in
            try await writer.start(ResponseHead(.ok), length: .known(64 << 20))
            let block = ByteBuffer(repeating: 0x61, count: 256 * 1024)
            var sent = 0
            while sent < 64 << 20 {
                sent += block.readableBytes
                guard try !writer.enqueue(block) else { continue }
                while try await !writer.waitForRoom(below: HTTPLimits.outputLowBytes) { noted.yield(sent) }
            }
            try await writer.end()
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0], receiveBufferBytes: 64 * 1024)
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = client.receiveHead()
            var iterator = stalls.makeAsyncIterator()
            let sent = await iterator.next()
            #expect(sent.map { $0 < 32 << 20 } == true)
            #expect(client.receive(64 << 20).count == 64 << 20)
        }
    }

    /// Bytes that trickle are not enough: a client takes so much in each window, or is cut.
    @Test func aClientThatTakesTooLittleOfItsAnswerIsCut() async throws {
        var limits = HTTPLimits()
        limits.writeTimeout = .seconds(1)
        limits.writeWindowBytes = 64 << 20
        let isCut = Atomic<Bool>(false)
        let handler: Handler = { _, writer in
            defer { isCut.store(true, ordering: .relaxed) }
            try await writer.start(ResponseHead(.ok), length: .known(256 << 20))
            let block = ByteBuffer(repeating: 0x61, count: 256 * 1024)
            for _ in 0..<1024 { try await writer.write(block) }
            try await writer.end()
        }
        try await withServer(limits: limits, handler: handler) { server in
            let client = try SocketClient(server.addresses[0], receiveBufferBytes: 4096)
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = client.receiveHead()
            // A little all the time, so that there is progress at each look.
            var received = 0
            while !isCut.load(ordering: .relaxed), received < 256 << 20 {
                received += client.receive(4096).count
                usleep(1000)
            }
            #expect(received < 256 << 20)
        }
    }
}
