import HTTPKernel
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import InferenceServer

/// Requests that a direct loop may give to a channel are in the books once.
@Suite(.timeLimit(.minutes(3))) struct HandOverTests {
    @Test(
        arguments: [
            "PUT /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n1,2,3",
            "POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n1,2,3",
            "PUT /invocations HTTP/1.1\r\nHost: h\r\n\r\n",
        ])
    func aRefusalIsCountedOnce(request: String) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let direct = try DirectLoops(count: 1)
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let registry = ModelRegistry(groups: [direct, group])
        let services = InferenceServices(workers: pool, aside: pool)
        let server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0)], group: group, direct: direct,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { loop in
            InferenceResponder(
                registry: registry, loop: loop, services: services, defaultModel: nil, limits: InferenceLimits())
        }
        let client = PlainClient(port: UInt16(server.addresses[0].port!))
        client.send(request)
        let refused = client.receive()
        #expect(refused?.status == 405 || refused?.status == 404)
        let name = #"lodestore_executor_requests_total{outcome="http"} "#
        let lines = PlainClient(port: UInt16(server.addresses[0].port!)).get("/metrics")?.body.split(separator: "\n")
        #expect(lines?.first { $0.hasPrefix(name) }.map { $0.dropFirst(name.count) } == "1")
        _ = await server.drain(within: .seconds(5))
        registry.stop()
        try await pool.shutdownGracefully()
        try await direct.shutdownGracefully()
        try await group.shutdownGracefully()
    }
}
