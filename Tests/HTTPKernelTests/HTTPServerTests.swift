import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.serialized, .timeLimit(.minutes(3))) struct HTTPServerTests {
    private static let silent: Handler = { _, writer in try await writer.respond(Response(ResponseHead(.ok))) }

    @Test func drainingWaitsForTheLastByteOfASlowReader() async throws {
        let total = 16 << 20
        let (started, startSignal) = AsyncStream.makeStream(of: Void.self)
        let handler: Handler = { _, writer in
            startSignal.yield()
            try await writer.start(ResponseHead(.ok), length: .known(UInt64(total)))
            let block = ByteBuffer(bytes: patterned(1 << 20))
            for _ in 0..<16 { try await writer.write(block) }
            try await writer.end()
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let executor = PoolExecutor()
        let server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)], group: group, logger: Logger(label: "test")
        ) { _ in HandlerService(executor: executor, handler: handler) }
        let address = server.addresses[0]
        let idle = try SocketClient(address)
        try idle.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = idle.receiveHead()
        let reader = try SocketClient(address, receiveBufferBytes: 64 * 1024)
        try reader.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        for await _ in started { break }
        async let cutCount = server.drain(within: .seconds(30))
        // The idle connection is closed while the other has most of its answer before it.
        #expect(idle.receive(1).isEmpty)
        let answer = reader.receiveAnswer()
        #expect(answer.body.count == total)
        #expect(reader.receive(1).isEmpty)
        #expect(await cutCount == 0)
        #expect(server.connectionCount == 0)
        #expect(throws: SystemError.self) { try SocketClient(address) }
        try await group.shutdownGracefully()
    }

    @Test func drainingCutsWhoeverOutstaysTheLimit() async throws {
        let (started, startSignal) = AsyncStream.makeStream(of: Void.self)
        let handler: Handler = { request, writer in
            startSignal.yield()
            _ = try await request.body.next()
            try await writer.respond(Response(ResponseHead(.ok)))
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = PoolExecutor()
        let server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)], group: group, logger: Logger(label: "test")
        ) { _ in HandlerService(executor: executor, handler: handler) }
        let client = try SocketClient(server.addresses[0])
        try client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
        for await _ in started { break }
        #expect(await server.drain(within: .milliseconds(50)) == 1)
        #expect(client.receive(1).isEmpty)
        try await group.shutdownGracefully()
    }

    @Test func drainingWaitsForHandlersThatOutliveTheirConnection() async throws {
        let (started, startSignal) = AsyncStream.makeStream(of: Void.self)
        let (goOn, turn) = AsyncStream.makeStream(of: Void.self)
        let hasEnded = Atomic<Bool>(false)
        let handler: Handler = { _, _ in
            startSignal.yield()
            // Deaf to its cancellation, as work within a library is.
            await Task.detached { for await _ in goOn { break } }.value
            hasEnded.store(true, ordering: .relaxed)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = PoolExecutor()
        let server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)], group: group, logger: Logger(label: "test")
        ) { _ in HandlerService(executor: executor, handler: handler) }
        let client = try SocketClient(server.addresses[0])
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        for await _ in started { break }
        async let cutCount = server.drain(within: .milliseconds(20))
        // The pool's threads are for the drain.
        let descriptor = client.descriptor
        let received = try await onThreadOfItsOwn {
            var byte: UInt8 = 0
            return recv(descriptor, &byte, 1, 0)
        }
        #expect(received <= 0)
        let endedEarly = hasEnded.load(ordering: .relaxed)
        #expect(!endedEarly)
        turn.yield()
        #expect(await cutCount == 1)
        let endedAtLast = hasEnded.load(ordering: .relaxed)
        #expect(endedAtLast)
        try await group.shutdownGracefully()
    }

    @Test func unixSocketsHaveTheirModeAndReplaceDeadOnesOnly() async throws {
        let path = "/tmp/lodestore-http-\(getpid()).sock"
        // A socket file whose listener died.
        let dead = try UnixSocket.bound(path: path, mode: 0o600)
        close(dead)
        try await withServer(.unix(path: path), handler: Self.silent) { server in
            var facts = stat()
            try #require(lstat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o660)
            let client = try SocketClient(server.addresses[0])
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveHead().hasPrefix("HTTP/1.1 200 "))
            await #expect(throws: HTTPServerError.self) {
                try await withServer(.unix(path: path), handler: Self.silent) { _ in }
            }
            client.end()
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test func aTakenPortIsAnError() async throws {
        try await withServer(handler: Self.silent) { server in
            let port = try #require(server.addresses[0].port)
            await #expect(throws: HTTPServerError.self) {
                try await withServer(.tcp(host: "127.0.0.1", port: port), handler: Self.silent) { _ in }
            }
        }
    }

    @Test func connectionsBeyondTheLimitAreClosed() async throws {
        var limits = HTTPLimits()
        limits.connectionCount = 2
        try await withServer(limits: limits, handler: Self.silent) { server in
            let kept = try (0..<2).map { _ in try SocketClient(server.addresses[0]) }
            for client in kept {
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(client.receiveHead().hasPrefix("HTTP/1.1 200 "))
            }
            #expect(try SocketClient(server.addresses[0]).receive(1).isEmpty)
            // An optimised build lets go of what is used no more, and a client closes with its last reference.
            withExtendedLifetime(kept) { #expect(server.connectionCount == 2) }
        }
    }

    /// While one connection sends garbage, another's answers stay right.
    @Test func connectionsDoNotDisturbEachOther() async throws {
        try await withServer(handler: Self.silent) { server in
            let good = try SocketClient(server.addresses[0])
            for index in 0..<50 {
                let bad = try SocketClient(server.addresses[0])
                try bad.send("\(index)\u{0}garbage\r\n\r\n")
                try good.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(good.receiveHead().hasPrefix("HTTP/1.1 200 "))
                #expect(bad.receiveHead().hasPrefix("HTTP/1.1 400 "))
            }
        }
    }
}
