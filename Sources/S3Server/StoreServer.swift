package import HTTPKernel
package import Logging
package import NIOCore
import NIOPosix
package import ObjectEngine
package import S3Service
import ServiceLifecycle
import Synchronization
import Telemetry

/// What a store is started with.
package struct StoreServerConfiguration: Sendable {
    package var engine: EngineConfiguration
    package var service: S3ServiceConfiguration
    package var listeners: [HTTPListener]
    package var loopCount: Int
    package var limits = HTTPLimits()
    /// How long requests in flight may take once the store is to stop.
    package var drainLimit = Duration.seconds(30)

    package init(
        engine: EngineConfiguration, service: S3ServiceConfiguration, listeners: [HTTPListener], loopCount: Int
    ) {
        self.engine = engine
        self.service = service
        self.listeners = listeners
        self.loopCount = loopCount
    }
}

/// The store: an engine, and the sockets at which it is asked, from start to the last answer.
package struct StoreServer: Service {
    private let configuration: StoreServerConfiguration
    private let logger: Logger
    private let onReady: @Sendable ([SocketAddress]) -> Void

    /// - Parameter onReady: told the addresses, in the order of the listeners, once requests can come.
    package init(
        _ configuration: StoreServerConfiguration, logger: Logger,
        onReady: @escaping @Sendable ([SocketAddress]) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
    }

    /// Serves until graceful shutdown, then answers what is in flight and closes the engine.
    ///
    /// - Throws: ``EngineError`` when the directory cannot be opened, ``HTTPServerError`` when a listener cannot be had.
    package func run() async throws {
        let opened = ContinuousClock.now
        var settings = configuration.engine
        settings.notify = { [logger] in logger.log($0) }
        let engine = try StorageEngine.open(settings)
        logger.info(
            "engine open",
            metadata: [
                LogKey.path: "\(configuration.engine.directory)",
                LogKey.duration: "\((ContinuousClock.now - opened) / .milliseconds(1))",
            ])
        defer { engine.close() }
        let service = S3Service(engine: engine, configuration: configuration.service, logger: logger)
        let readiness = Readiness()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loopCount)
        let server: HTTPServer
        do {
            server = try await HTTPServer.start(
                configuration.listeners, group: group, limits: configuration.limits, logger: logger
            ) { _ in
                StoreResponder(service: service) { readiness.isReady }
            }
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        readiness.set(true)
        onReady(server.addresses)

        // An end without a signal (cancellation) is an end as well: the drain below is the same.
        try? await gracefulShutdown()
        readiness.set(false)
        service.drain()
        let cut = await server.drain(within: configuration.drainLimit)
        if cut > 0 { logger.warning("connections cut at the end of the drain", metadata: [LogKey.count: "\(cut)"]) }
        try await group.shutdownGracefully()
    }
}

/// Whether the store takes requests; false again as soon as it is to stop.
private final class Readiness: Sendable {
    private let flag = Atomic<Bool>(false)

    var isReady: Bool { flag.load(ordering: .relaxed) }

    func set(_ value: Bool) { flag.store(value, ordering: .relaxed) }
}
