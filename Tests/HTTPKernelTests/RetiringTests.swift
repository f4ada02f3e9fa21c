import Dispatch
import Glibc
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPKernel

/// A server that is about to stop, over sockets.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RetiringTests {
    private static let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"

    /// - Parameter body: drains the server.
    private static func withDirectServer(_ body: (HTTPServer) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loops = try DirectLoops(count: 2)
        let executor = PoolExecutor()
        let workers = NIOThreadPool(numberOfThreads: 1)
        workers.start()
        let server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)], group: group, direct: loops, logger: Logger(label: "test")
        ) { _ in PathService(executor: executor, workers: workers) }
        var failure: (any Error)?
        do { try await body(server) } catch { failure = error }
        _ = await server.drain(within: .seconds(5))
        try await workers.shutdownGracefully()
        try await loops.shutdownGracefully()
        try await group.shutdownGracefully()
        if let failure { throw failure }
    }

    @Test func clientsAreToldToLeaveAndNobodyIsTurnedAwayUntilAllHaveLeft() async throws {
        try await Self.withDirectServer { server in
            let kept = try (0..<3).map { _ in try SocketClient(server.addresses[0]) }
            for client in kept {
                try client.send(Self.request)
                #expect(!client.receiveAnswer().head.contains("connection: close"))
            }
            // It ends when the last connection has: long before this.
            async let retired: Void = server.retire(for: .seconds(3600))
            var head = ""
            while !head.contains("\r\nconnection: close\r\n") {
                let new = try SocketClient(server.addresses[0])
                try new.send(Self.request)
                head = new.receiveAnswer().head
                #expect(head.hasPrefix("HTTP/1.1 200 "))
                await Task.yield()
            }
            for client in kept {
                try client.send(Self.request)
                let answer = client.receiveAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 ") && answer.head.contains("\r\nconnection: close\r\n"))
                #expect(client.receive(1).isEmpty)
            }
            await retired
            #expect(server.connectionCount == 0)
        }
    }

    @Test func whenTheTimeIsOverNoConnectionBeginsAndThoseThatAreThereGoOn() async throws {
        try await Self.withDirectServer { server in
            let address = server.addresses[0]
            let idle = try SocketClient(address)
            try idle.send(Self.request)
            _ = idle.receiveAnswer()
            await server.retire(for: .milliseconds(1))
            // It hears nothing until the listener is closed, and is refused then.
            async let isConnected = onThreadOfItsOwn { (try? SocketClient(address)) != nil }
            try idle.send(Self.request)
            #expect(idle.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
            #expect(await server.drain(within: .seconds(5)) == 0)
            let hasComeLate = try await isConnected
            #expect(!hasComeLate)
        }
    }

    /// What a client has sent on a connection that nobody has accepted would be lost with a reset.
    @Test func aListenerThatClosesHasThoseServedThatWaitThere() async throws {
        let loop = try DirectLoop(name: "test")
        let census = Census(limit: 100)
        let lane = try await loop.submit {
            let context = LoopContext(loop: loop, service: ScriptedService(), limits: HTTPLimits(), census: census)
            return NIOLoopBound(DirectLane(loop: loop, shared: context) { _, _, _ in }, eventLoop: loop)
        }.get()
        let listener = try DirectListener(
            .tcp(host: "127.0.0.1", port: 0), lanes: [lane], loop: loop, census: census)
        try await loop.submit { listener.start() }.get()
        let (held, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        loop.execute {
            held.signal()
            gate.wait()
        }
        let address = listener.address
        let heads = try await onThreadOfItsOwn {
            held.wait()
            let clients = try (0..<40).map { _ in
                let client = try SocketClient(address)
                try client.send(Self.request)
                return client
            }
            loop.execute { listener.close() }
            gate.signal()
            return clients.map { $0.receiveAnswer().head }
        }
        #expect(heads.filter { $0.hasPrefix("HTTP/1.1 200 ") }.count == 40)
        #expect(throws: SystemError.self) { try SocketClient(address) }
        try await loop.shutdownGracefully()
    }
}
