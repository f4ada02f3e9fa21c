package import Logging
package import NIOCore
package import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/1.1 server over TCP and Unix sockets.
///
/// Connections are spread over the group's loops and stay on theirs; each loop has one service of its own. The group belongs
/// to the caller and outlives the server.
package final class HTTPServer: Sendable {
    /// Where it listens, in the order of the listeners; a port asked for as 0 is the one that was taken.
    package let addresses: [SocketAddress]

    private let listening: [Listening]
    private let contexts: [NIOLoopBound<LoopContext>]
    private let census: Census
    private let logger: Logger
    /// Nobody finds the server by a path any more.
    private let hasLeft = Atomic<Bool>(false)

    /// A listening socket of either kind.
    private enum Listening: Sendable {
        case channel(any Channel)
        case direct(DirectListener, DirectLoop)

        var address: SocketAddress? {
            switch self {
            case .channel(let channel): channel.localAddress
            case .direct(let listener, _): listener.address
            }
        }

        func turnAway() {
            if case .direct(let listener, let loop) = self { loop.execute { listener.turnAway() } }
        }

        func close() {
            switch self {
            case .channel(let channel): channel.close(promise: nil)
            case .direct(let listener, let loop): loop.execute { listener.close() }
            }
        }
    }

    private init(
        listening: [Listening], contexts: [NIOLoopBound<LoopContext>], census: Census, logger: Logger
    ) {
        self.listening = listening
        self.addresses = listening.compactMap(\.address)
        self.contexts = contexts
        self.census = census
        self.logger = logger
    }

    /// Starts listening; when it returns, connections are accepted.
    ///
    /// - Parameters:
    ///   - direct: loops that serve connections without TLS as long as they send whole small requests; the rest goes to the
    ///     group. Without them the group serves all.
    ///   - shares: the accounts to which connections are charged; without them `limits` alone holds. Not with `direct`.
    ///   - service: called once for each loop, on that loop.
    /// - Throws: when one listener cannot be had; the others are closed again.
    package static func start(
        _ listeners: [HTTPListener], group: MultiThreadedEventLoopGroup, direct: DirectLoops? = nil,
        limits: HTTPLimits = HTTPLimits(), shares: ConnectionShares? = nil, logger: Logger,
        service: @escaping @Sendable (any EventLoop) -> any HTTPService
    ) async throws(HTTPServerError) -> HTTPServer {
        precondition(shares == nil || direct == nil, "connections of direct loops are charged to nobody")
        let census = Census(limit: limits.connectionCount)
        let first = listeners.first?.description ?? ""
        let byLoop = try await Self.onEachLoop(of: group, for: first) { loop in
            let context = LoopContext(
                loop: loop, service: service(loop), limits: limits, census: census, shares: shares)
            context.start()
            return context
        }
        var contexts = Array(byLoop.values)
        var lanes: [NIOLoopBound<DirectLane>] = []
        if let direct {
            let adoption = Adoption(contexts: contexts)
            let made = try await Self.onEachLoop(of: direct, for: first) { loop in
                guard let loop = loop as? DirectLoop else { preconditionFailure("the group's loops are direct") }
                let context = LoopContext(loop: loop, service: service(loop), limits: limits, census: census)
                context.start()
                return DirectLane(loop: loop, shared: context) { adoption.adopt($0, $1, $2) }
            }
            lanes = Array(made.values)
            for lane in lanes {
                let context = lane.eventLoop.submit { NIOLoopBound(lane.value.shared, eventLoop: lane.eventLoop) }
                do { contexts.append(try await context.get()) } catch {
                    throw .cannotListen(address: first, cause: error)
                }
            }
        }
        var listening: [Listening] = []
        do throws(HTTPServerError) {
            for listener in listeners {
                if listener.tls == nil, let loop = direct?.loops.first {
                    let made = try DirectListener(listener, lanes: lanes, loop: loop, census: census)
                    loop.execute { made.start() }
                    listening.append(.direct(made, loop))
                } else {
                    let channel = try await Self.listen(
                        listener, group: group, contexts: byLoop, census: census, logger: logger)
                    listening.append(.channel(channel))
                }
            }
        } catch {
            for each in listening { each.close() }
            for bound in contexts { bound.eventLoop.execute { bound.value.stop() } }
            throw error
        }
        return HTTPServer(listening: listening, contexts: contexts, census: census, logger: logger)
    }

    /// Makes a value on each loop of a group.
    private static func onEachLoop<Value>(
        of group: any EventLoopGroup, for description: String, _ make: @escaping @Sendable (any EventLoop) -> Value
    ) async throws(HTTPServerError) -> [ObjectIdentifier: NIOLoopBound<Value>] {
        var byLoop: [ObjectIdentifier: NIOLoopBound<Value>] = [:]
        for loop in group.makeIterator() {
            let bound = loop.submit { NIOLoopBound(make(loop), eventLoop: loop) }
            do {
                byLoop[ObjectIdentifier(loop)] = try await bound.get()
            } catch {
                throw .cannotListen(address: description, cause: error)
            }
        }
        return byLoop
    }

    private static func listen(
        _ listener: HTTPListener, group: MultiThreadedEventLoopGroup,
        contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>], census: Census, logger: Logger
    ) async throws(HTTPServerError) -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptRest(logger: logger))
                }
            }
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.recvAllocator, value: Self.receiveAllocator)
            .childChannelInitializer { channel in
                Self.prepare(channel, listener: listener, contexts: contexts, census: census)
            }
        do {
            switch listener.place {
            case .tcp(let host, let port):
                return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
            case .unix(let path, let mode):
                let descriptor = try UnixSocket.bound(path: path, mode: mode)
                return try await bootstrap.withBoundSocket(descriptor).get()
            }
        } catch let error as HTTPServerError {
            throw error
        } catch {
            throw .cannotListen(address: listener.description, cause: error)
        }
    }

    static var receiveAllocator: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: HTTPLimits.receiveBytes)
    }

    /// Sets one accepted connection up, on its loop.
    private static func prepare(
        _ channel: any Channel, listener: HTTPListener, contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>],
        census: Census
    ) -> EventLoopFuture<Void> {
        guard let bound = contexts[ObjectIdentifier(channel.eventLoop)] else { return channel.close() }
        guard let id = bound.value.admit() else {
            let context = bound.value
            guard context.shares != nil, listener.tls == nil else { return channel.close() }
            return channel.eventLoop.makeCompletedFuture {
                let refusal = context.service.response(for: .noRoom, head: nil)
                try channel.pipeline.syncOperations.addHandler(Turnaway(refusal, date: context.dateField))
            }
        }
        channel.closeFuture.whenComplete { _ in census.leave() }
        return channel.eventLoop.makeCompletedFuture {
            let facts = ConnectionFacts(
                id: id, peer: channel.remoteAddress, local: channel.localAddress, isTLS: listener.tls != nil,
                listener: listener.label)
            if let tls = listener.tls {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
            }
            try channel.pipeline.syncOperations.addHandler(HTTPConnection(shared: bound.value, facts: facts))
        }
    }

    /// Has the clients leave before the server stops; ``drain(within:)`` follows.
    ///
    /// The listeners stay open, so that the service can be asked how it is, and every answer says that its connection ends with
    /// it. Idle connections are left alone: whoever has one in hand finds it closing only behind an answer. It ends early when
    /// no connection is open.
    package func retire(for limit: Duration) async {
        guard limit > .zero else { return }
        for bound in self.contexts { bound.eventLoop.execute { bound.value.beginRetiring() } }
        await self.untilEmpty(within: limit)
        // Clients that are told to leave come again at once, also when for a moment none of them was here. The last of them get
        // their answers too: from here on none begins a connection, and those that have just done so have time to ask.
        self.removePaths()
        for each in self.listening { each.turnAway() }
        let time = self.contexts.first?.eventLoop.scheduleTask(in: TimeAmount(HTTPLimits.lastRequestsTime)) {}
        try? await time?.futureResult.get()  // A loop that has ended has no clients either.
    }

    /// Once: what is at a path later is another server's.
    private func removePaths() {
        guard !self.hasLeft.exchange(true, ordering: .relaxed) else { return }
        for path in self.listening.compactMap(\.address?.pathname) { UnixSocket.remove(path) }
    }

    /// Open connections, over all listeners.
    package var connectionCount: Int { self.census.count }

    /// Stops: accepts nothing more, closes what is idle, answers what is in flight to its last byte.
    ///
    /// When it returns, no connection is left and every handler has ended, save those that ignored their cancellation for
    /// `HTTPLimits.handlerGrace`.
    ///
    /// - Returns: how many connections were cut when the time was over.
    package func drain(within limit: Duration = .seconds(30)) async -> Int {
        // First the paths: who finds one could still be reset by the close.
        self.removePaths()
        for each in self.listening { each.close() }
        for bound in self.contexts {
            bound.eventLoop.execute { bound.value.beginDraining() }
        }
        await self.untilEmpty(within: limit)
        var cutCount = 0
        for bound in self.contexts {
            let count = bound.eventLoop.submit {
                bound.value.stop()
                return bound.value.closeAll()
            }
            // A loop that is gone has no connections.
            cutCount += (try? await count.get()) ?? 0
        }
        await self.untilEmpty(within: HTTPLimits.handlerGrace)
        self.logger.debug("server drained", metadata: ["count": "\(cutCount)"])
        return cutCount
    }

    private func untilEmpty(within limit: Duration) async {
        let turn = self.census.nextTurn()
        let timer = self.contexts.first?.eventLoop.scheduleTask(in: TimeAmount(limit)) { [census] in
            census.giveUp(turn)
        }
        await self.census.untilEmpty(turn)
        timer?.cancel()
    }
}
