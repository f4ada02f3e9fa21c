package import HTTPKernel
import Handoff
package import Logging
package import ModelTypes
package import NIOCore
import NIOPosix
import ServiceLifecycle
import Telemetry

/// What an executor is started with.
package struct InferenceConfiguration: Sendable {
    package var listeners: [HTTPListener]
    /// The control socket, where the sidecar hands images over.
    package var controlPath: String
    /// The user as whom the sidecar runs.
    package var controlUserID: UInt32
    package var defaultModel: String?
    package var loopCount: Int
    package var workerCount: Int
    package var http = HTTPLimits()
    package var limits = InferenceLimits()
    /// Verifies what `/endpoints/…` is asked, and everything on a listener labelled ``InferenceResponder/guardedListener``.
    package var access: RequestAccess?
    /// Every n-th request has a line in the log; 0 is none.
    package var accessLogSample = 0
    /// Where gRPC is served.
    package var grpc: [GRPCListener] = []
    /// Runs graphs that no kernel does; nil where none may.
    package var graphRuntime: (any GraphRuntime)?
    /// How long a loop that has just answered looks for the next request before it sleeps; zero on cores that it shares.
    package var busyPoll = Duration.zero
    /// How long, after SIGTERM, clients are told to leave before the drain begins.
    package var lameDuck: Duration = .milliseconds(500)
    /// How long requests in flight may take after that.
    package var drainSeconds = 30

    package init(
        listeners: [HTTPListener], controlPath: String, controlUserID: UInt32, defaultModel: String?, loopCount: Int,
        workerCount: Int
    ) {
        self.listeners = listeners
        self.controlPath = controlPath
        self.controlUserID = controlUserID
        self.defaultModel = defaultModel
        self.loopCount = loopCount
        self.workerCount = workerCount
    }
}

/// Where an executor can be reached.
package struct InferenceAddresses: Sendable {
    /// In the order of the listeners; so are those of gRPC.
    package let http: [SocketAddress]
    package let grpc: [SocketAddress]
}

/// The executor: sockets for predictions, one socket for models, from start to the last answer.
package struct InferenceService: Service {
    private let configuration: InferenceConfiguration
    private let logger: Logger
    private let onReady: @Sendable (InferenceAddresses) -> Void

    /// - Parameter onReady: told the addresses once requests and images can come.
    package init(
        _ configuration: InferenceConfiguration, logger: Logger,
        onReady: @escaping @Sendable (InferenceAddresses) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
    }

    /// Serves until graceful shutdown, then answers what is in flight.
    package func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loopCount)
        let workers = NIOThreadPool(numberOfThreads: configuration.workerCount)
        workers.start()
        let aside = NIOThreadPool(numberOfThreads: 1)
        aside.start()
        let services = InferenceServices(
            workers: workers, aside: aside, access: configuration.access,
            log: AccessLog(sample: configuration.accessLogSample, logger: logger, thread: aside))
        // Small whole requests are served by the direct loops, all else by the group (Docs/Decisions/0032).
        let direct = try DirectLoops(count: configuration.loopCount, busyPoll: configuration.busyPoll)
        let registry = ModelRegistry(
            groups: [direct, group], limits: configuration.limits, runtime: configuration.graphRuntime)
        let server = try await HTTPServer.start(
            configuration.listeners, group: group, direct: direct, limits: configuration.http, logger: logger
        ) { [configuration] loop in
            InferenceResponder(
                registry: registry, loop: loop, services: services, defaultModel: configuration.defaultModel,
                limits: configuration.limits)
        }
        let handoff: HandoffListener
        do {
            handoff = try HandoffListener(
                path: configuration.controlPath, allowedUID: configuration.controlUserID, holder: registry
            ) { [logger] in Self.log($0, to: logger) }
        } catch {
            // Leaves no socket file behind that looks like a living server.
            _ = await server.drain(within: .zero)
            throw error
        }
        registry.onRelease { handoff.release(generation: $0) }
        let failure: (any Error)?
        do {
            try await serve(server, registry: registry, group: group, services: services)
            failure = nil
        } catch {
            failure = error
        }
        handoff.stop()
        registry.stop()
        try await workers.shutdownGracefully()
        try await aside.shutdownGracefully()
        try await direct.shutdownGracefully()
        try await group.shutdownGracefully()
        if let failure { throw failure }
    }

    /// Serves until graceful shutdown, or until gRPC fails, and then answers what is in flight.
    private func serve(
        _ server: HTTPServer, registry: ModelRegistry, group: MultiThreadedEventLoopGroup, services: InferenceServices
    ) async throws {
        let drainTime = Duration.seconds(configuration.drainSeconds)
        let fronts: [GRPCFront]
        do {
            fronts = try await grpcFronts(registry: registry, group: group, services: services)
        } catch {
            _ = await server.drain(within: .zero)
            throw error
        }
        // Each task says whether the time is over.
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for front in fronts {
                tasks.addTask {
                    try await front.serve()
                    return false
                }
            }
            tasks.addTask {
                // An end without a signal (cancellation) is an end as well: the drain below is the same.
                try? await gracefulShutdown()
                return false
            }
            var failure: (any Error)?
            do {
                var addresses: [SocketAddress] = []
                for front in fronts { addresses.append(try await front.address) }
                onReady(InferenceAddresses(http: server.addresses, grpc: addresses))
                _ = try await tasks.next()
            } catch {
                failure = error
            }
            registry.beginDraining()
            await server.retire(for: configuration.lameDuck)
            for front in fronts { front.beginDraining() }
            let end = ContinuousClock.now.advanced(by: drainTime)
            let cut = await server.drain(within: drainTime)
            if cut > 0 {
                logger.warning("connections cut at the end of the drain", metadata: [LogKey.count: "\(cut)"])
            }
            if failure == nil {
                // What gRPC has in flight gets what is left of the time.
                tasks.addTask {
                    try? await Task.sleep(until: end)
                    return true
                }
                do {
                    for _ in fronts {
                        if try await tasks.next() == true { break }
                    }
                } catch {
                    failure = error
                }
            }
            // What still runs is cut, and its end is no failure.
            tasks.cancelAll()
            while await tasks.nextResult() != nil {}
            if let failure { throw failure }
        }
    }

    private func grpcFronts(
        registry: ModelRegistry, group: MultiThreadedEventLoopGroup, services: InferenceServices
    ) async throws -> [GRPCFront] {
        guard !configuration.grpc.isEmpty else { return [] }
        let limits = configuration.limits
        let serving = try await ServingLoops(group) { loop in
            OpenInferenceLoop(registry: registry, loop: loop, services: services, limits: limits)
        }
        var bounds = GRPCLimits(limits, configuration.http)
        bounds.connectionCount /= configuration.grpc.count
        var fronts: [GRPCFront] = []
        for listener in configuration.grpc {
            fronts.append(
                try await GRPCFront(listener, group: group, limits: bounds, serving: serving, logger: logger))
        }
        return fronts
    }

    private static func log(_ note: HandoffNote, to logger: Logger) {
        switch note {
        case .adopted(let offer, let duration):
            logger.info(
                "model live", metadata: facts(offer).merging([LogKey.duration: "\(milliseconds(duration))"]) { $1 })
        case .refused(let offer, let refusal):
            logger.warning("model refused", metadata: facts(offer).merging([LogKey.reason: "\(refusal.reason)"]) { $1 })
        case .retired(let model): logger.info("model retired", metadata: [LogKey.model: "\(model)"])
        case .released(let generation): logger.info("model released", metadata: [LogKey.generation: "\(generation)"])
        case .connected: logger.info("sidecar connected", metadata: [LogKey.reason: "\(note)"])
        case .disconnected: logger.info("sidecar disconnected", metadata: [LogKey.reason: "\(note)"])
        case .refusedSecond, .refusedPeer:
            logger.warning("control connection refused", metadata: [LogKey.reason: "\(note)"])
        case .listeningFailed: logger.error("control socket failed", metadata: [LogKey.reason: "\(note)"])
        }
    }

    private static func facts(_ offer: ImageOffer) -> Logger.Metadata {
        [
            LogKey.model: "\(offer.model)", LogKey.modelVersion: "\(offer.version)",
            LogKey.generation: "\(offer.generation)",
            LogKey.bytes: "\(offer.sizeBytes)", LogKey.digest: "\(offer.artifactDigest)",
        ]
    }

    private static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
}
