import Glibc
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.serialized, .timeLimit(.minutes(3))) struct StreamingTests {
    private static let echo: Handler = { request, writer in
        var all = ByteBuffer()
        while var piece = try await request.body.next() { all.writeBuffer(&piece) }
        try await writer.respond(Response(ResponseHead(.ok), body: all))
    }

    @Test(arguments: [0, 1, 100, 70_000, 3_000_000])
    func aBodyComesBackWhole(count: Int) async throws {
        try await withServer(handler: Self.echo) { server in
            let client = try SocketClient(server.addresses[0])
            let body = patterned(count)
            for _ in 0..<2 {
                try client.send("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\n\r\n")
                try client.send(body)
                let answer = client.receiveAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.body == body)
            }
        }
    }

    @Test func chunksComeInAndGoOut() async throws {
        let handler: Handler = { request, writer in
            try await writer.start(ResponseHead(.ok), length: .unknown)
            for try await piece in request.body { try await writer.write(piece) }
            try await writer.end()
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.send("5\r\nhello\r\n")
            #expect(client.receiveHead().contains("transfer-encoding: chunked\r\n"))
            #expect(String(decoding: client.receive(10), as: UTF8.self) == "5\r\nhello\r\n")
            try client.send("3\r\nabc\r\n0\r\n\r\n")
            #expect(String(decoding: client.receive(13), as: UTF8.self) == "3\r\nabc\r\n0\r\n\r\n")
            try client.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func aHandlerThatDoesNotReadHoldsTheClientBack() async throws {
        let (goOn, turn) = AsyncStream.makeStream(of: Void.self)
        let received = Atomic<Int>(0)
        let handler: Handler = { request, writer in
            for await _ in goOn { break }
            while let piece = try await request.body.next() {
                received.add(piece.readableBytes, ordering: .relaxed)
            }
            try await writer.respond(Response(ResponseHead(.ok)))
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            let total = 64 << 20
            try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(total)\r\n\r\n")
            let taken = client.sendWhatFits(limit: total)
            // The kernel's buffers of both sides, and the queue's 256 KiB with one receive buffer.
            #expect(taken < 24 << 20)
            turn.yield()
            try client.send([UInt8](repeating: 0x61, count: total - taken))
            #expect(client.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
            #expect(received.load(ordering: .relaxed) == total)
        }
    }

    @Test func aClientThatDoesNotReadHoldsTheHandlerBack() async throws {
        let written = Atomic<Int>(0)
        let total = 64 << 20
        let handler: Handler = { _, writer in
            let block = ByteBuffer(bytes: patterned(64 * 1024))
            try await writer.start(ResponseHead(.ok), length: .known(UInt64(total)))
            for _ in 0..<(total / block.readableBytes) {
                try await writer.write(block)
                written.add(block.readableBytes, ordering: .relaxed)
            }
            try await writer.end()
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0], receiveBufferBytes: 64 * 1024)
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = client.receiveHead()
            _ = client.receive(1 << 20)
            #expect(written.load(ordering: .relaxed) < 32 << 20)
            let rest = client.receive(total - (1 << 20))
            #expect(rest.count == total - (1 << 20))
            let block = patterned(64 * 1024)
            #expect(rest.suffix(block.count).elementsEqual(block))
        }
    }

    @Test func continueIsSentOnlyWhenTheBodyIsAskedFor() async throws {
        let handler: Handler = { request, writer in
            guard request.head.target != "/forbidden" else {
                return try await writer.respond(Response(ResponseHead(.forbidden)))
            }
            let body = try await request.body.collect(limitBytes: 100)
            try await writer.respond(Response(ResponseHead(.ok), body: body))
        }
        try await withServer(handler: handler) { server in
            let head = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            let allowed = try SocketClient(server.addresses[0])
            try allowed.send("PUT /allowed" + head)
            #expect(allowed.receiveHead() == "HTTP/1.1 100 Continue\r\n\r\n")
            try allowed.send("abc")
            #expect(allowed.receiveAnswer().body == Array("abc".utf8))

            let forbidden = try SocketClient(server.addresses[0])
            try forbidden.send("PUT /forbidden" + head)
            let answer = forbidden.receiveHead()
            #expect(answer.hasPrefix("HTTP/1.1 403 "))
            #expect(answer.contains("connection: close"))
        }
    }

    @Test func aRefusalReachesAClientThatIsStillSending() async throws {
        let handler: Handler = { _, writer in try await writer.respond(Response(ResponseHead(.forbidden))) }
        try await withServer(handler: handler) { server in
            for _ in 0..<20 {
                let client = try SocketClient(server.addresses[0])
                try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
                _ = client.sendWhatFits(limit: 300_000)
                #expect(client.receiveHead().hasPrefix("HTTP/1.1 403 "))
            }
        }
    }

    @Test func collectRefusesMoreThanItsLimit() async throws {
        let handler: Handler = { request, writer in
            _ = try await request.body.collect(limitBytes: 10)
            try await writer.respond(Response(ResponseHead(.ok)))
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nabcdefghijk")
            #expect(client.receiveHead().hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func aBodyThatEndsEarlyIsAnError() async throws {
        try await withServer(handler: Self.echo) { server in
            for framing in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
                let client = try SocketClient(server.addresses[0])
                try client.send("PUT / HTTP/1.1\r\nHost: h\r\n" + framing)
                client.endSending()
                #expect(client.receiveHead().hasPrefix("HTTP/1.1 400 "))
            }
        }
    }

    @Test func aClientThatClosesItsSendingSideIsStillAnswered() async throws {
        try await withServer(handler: Self.echo) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            client.endSending()
            #expect(client.receiveAnswer().body == Array("abc".utf8))
        }
    }

    @Test func aThrowingHandlerAnswers500OrCutsTheConnection() async throws {
        struct Broken: Error {}
        let handler: Handler = { request, writer in
            if request.head.target == "/late" {
                try await writer.start(ResponseHead(.ok), length: .known(10))
                try await writer.write(ByteBuffer(string: "half"))
            }
            if request.head.target == "/silent" { return }
            throw Broken()
        }
        try await withServer(handler: handler) { server in
            for target in ["/early", "/silent"] {
                let client = try SocketClient(server.addresses[0])
                try client.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(client.receiveAnswer().head.hasPrefix("HTTP/1.1 500 "))
            }
            let late = try SocketClient(server.addresses[0])
            try late.send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n")
            let all = String(decoding: late.receiveAll(), as: UTF8.self)
            #expect(!all.hasSuffix("half______"))
            #expect(!all.contains("HTTP/1.1 500"))
        }
    }

    @Test func writesOutOfTurnAreRefused() async throws {
        let handler: Handler = { _, writer in
            await #expect(throws: HTTPKernelError.self) { try await writer.write(ByteBuffer(string: "x")) }
            try await writer.start(ResponseHead(.ok), length: .known(2))
            await #expect(throws: HTTPKernelError.self) { try await writer.start(ResponseHead(.ok), length: .unknown) }
            await #expect(throws: HTTPKernelError.self) { try await writer.write(ByteBuffer(string: "xyz")) }
            await #expect(throws: HTTPKernelError.self) { try await writer.end() }
            try await writer.write(ByteBuffer(string: "ok"))
            try await writer.end()
            await #expect(throws: HTTPKernelError.self) { try await writer.end() }
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer().body == Array("ok".utf8))
        }
    }

    @Test func aClientThatLeavesCancelsTheHandler() async throws {
        let (started, startSignal) = AsyncStream.makeStream(of: Void.self)
        let (ended, endSignal) = AsyncStream.makeStream(of: HTTPKernelError?.self)
        let handler: Handler = { _, writer in
            startSignal.yield()
            do throws(HTTPKernelError) {
                try await writer.start(ResponseHead(.ok), length: .unknown)
                let block = ByteBuffer(bytes: patterned(64 * 1024))
                while true { try await writer.write(block) }
            } catch {
                endSignal.yield(error)
                throw error
            }
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            for await _ in started { break }
            client.end()
            for await error in ended {
                guard case .connectionClosed = error else {
                    Issue.record("\(String(describing: error))")
                    break
                }
                break
            }
        }
    }

    @Test(arguments: [UInt64(1), 100_000, 20_000_000])
    func fileRangesAreSentWhole(count: UInt64) async throws {
        let path = "/tmp/lodestore-http-\(getpid())-\(count)"
        let content = patterned(Int(count) + 100)
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer {
            close(descriptor)
            unlink(path)
        }
        try #require(write(descriptor, content, content.count) == content.count)
        let handler: Handler = { request, writer in
            try await writer.start(ResponseHead(.partialContent), length: .known(count + 4))
            try await writer.write(ByteBuffer(string: "<<"))
            try await writer.writeFile(descriptor: descriptor, offset: 50, count: count)
            try await writer.write(ByteBuffer(string: ">>"))
            try await writer.end()
        }
        try await withServer(handler: handler) { server in
            let client = try SocketClient(server.addresses[0])
            for _ in 0..<2 {
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = client.receiveAnswer()
                #expect(answer.body == [0x3C, 0x3C] + content[50..<(50 + Int(count))] + [0x3E, 0x3E])
            }
            try client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveHead().contains("content-length: \(count + 4)\r\n"))
            try client.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveHead().hasPrefix("HTTP/1.1 200 "))
        }
        #expect(fcntl(descriptor, F_GETFD) >= 0, "a lent descriptor stays open")
    }

    @Test func pipelinedStreamsAnswerInOrder() async throws {
        try await withServer(handler: Self.echo) { server in
            let client = try SocketClient(server.addresses[0])
            let one = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"
            try client.send((0..<200).map { one + "\($0 % 10)" }.joined())
            for index in 0..<200 { #expect(client.receiveAnswer().body == Array("\(index % 10)".utf8)) }
        }
    }
}
