import Glibc
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
    /// What the process is meant to stay within.
    package var memoryBytes = SharePlan.defaultMemoryMiB << 20
    /// How long requests in flight may take once the store is to stop.
    package var drainLimit = Duration.seconds(30)

    /// What a client must send of a body within each `bodyTimeout`, and take of an answer within each `writeTimeout`.
    package static let windowBytes = 64 << 10

    package init(
        engine: EngineConfiguration, service: S3ServiceConfiguration, listeners: [HTTPListener], loopCount: Int
    ) {
        self.engine = engine
        self.service = service
        self.listeners = listeners
        self.loopCount = loopCount
        self.limits.bodyWindowBytes = Self.windowBytes
        self.limits.writeWindowBytes = Self.windowBytes
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
        if let tail = engine.tornTail {
            logger.warning(
                "the log ended in a write that a crash interrupted",
                metadata: [LogKey.path: "\(tail.file)", LogKey.error: "\(tail)"])
        }
        defer { engine.close() }
        let shares = self.shares(beside: engine)
        let service = S3Service(engine: engine, configuration: configuration.service, logger: logger)
        let readiness = Readiness()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loopCount)
        let server: HTTPServer
        do {
            server = try await HTTPServer.start(
                configuration.listeners, group: group, limits: configuration.limits, shares: shares, logger: logger
            ) { _ in
                StoreResponder(service: service) { readiness.isReady }
            }
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        async let _: Void = MemoryUpkeep.run(shares, on: engine.executor)
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

    /// Divides what the process has, now that the engine has its files.
    private func shares(beside engine: StorageEngine) -> ConnectionShares {
        let plan = SharePlan(
            memoryBytes: configuration.memoryBytes, descriptorCount: Self.descriptorCount(),
            engineFileCount: engine.openFileLimit, threadCount: configuration.engine.threadCount,
            connectionCount: configuration.limits.connectionCount)
        let limits = plan.descriptors
        logger.info(
            "shares of connections",
            metadata: [
                LogKey.count: "\(limits.connectionCount)", LogKey.strangers: "\(limits.strangerCount)",
                LogKey.tables: "\(limits.tableCount)", LogKey.bytes: "\(plan.connectionBytes)",
            ])
        if limits.connectionCount < configuration.limits.connectionCount / 2 {
            logger.warning(
                "the limit of open files allows far fewer connections than are asked for",
                metadata: [
                    LogKey.count: "\(limits.connectionCount)", LogKey.limit: "\(configuration.limits.connectionCount)",
                ])
        }
        return ConnectionShares(
            memory: MemoryAccount(limitBytes: plan.connectionBytes), descriptors: DescriptorAccount(limits))
    }

    /// How many descriptors the process may have open; the engine has raised it as far as the system lets it.
    private static func descriptorCount() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }
}

/// Whether the store takes requests; false again as soon as it is to stop.
private final class Readiness: Sendable {
    private let flag = Atomic<Bool>(false)

    var isReady: Bool { flag.load(ordering: .relaxed) }

    func set(_ value: Bool) { flag.store(value, ordering: .relaxed) }
}
