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

    private let listening: [any Channel]
    private let contexts: [NIOLoopBound<LoopContext>]
    private let census: Census
    private let logger: Logger

    private init(
        listening: [any Channel], contexts: [NIOLoopBound<LoopContext>], census: Census, logger: Logger
    ) {
        self.listening = listening
        self.addresses = listening.compactMap(\.localAddress)
        self.contexts = contexts
        self.census = census
        self.logger = logger
    }

    /// Starts listening; when it returns, connections are accepted.
    ///
    /// - Parameter service: called once for each loop, on that loop.
    /// - Throws: when one listener cannot be had; the others are closed again.
    package static func start(
        _ listeners: [HTTPListener], group: MultiThreadedEventLoopGroup, limits: HTTPLimits = HTTPLimits(),
        logger: Logger, service: @escaping @Sendable (any EventLoop) -> any HTTPService
    ) async throws(HTTPServerError) -> HTTPServer {
        let census = Census(limit: limits.connectionCount)
        var byLoop: [ObjectIdentifier: NIOLoopBound<LoopContext>] = [:]
        for loop in group.makeIterator() {
            let bound = loop.submit {
                let context = LoopContext(loop: loop, service: service(loop), limits: limits, census: census)
                context.start()
                return NIOLoopBound(context, eventLoop: loop)
            }
            do {
                byLoop[ObjectIdentifier(loop)] = try await bound.get()
            } catch {
                throw .cannotListen(address: listeners.first?.description ?? "", cause: error)
            }
        }
        var channels: [any Channel] = []
        do throws(HTTPServerError) {
            for listener in listeners {
                channels.append(try await Self.listen(listener, group: group, contexts: byLoop, census: census))
            }
        } catch {
            for channel in channels { channel.close(promise: nil) }
            for bound in byLoop.values { bound.eventLoop.execute { bound.value.stop() } }
            throw error
        }
        return HTTPServer(listening: channels, contexts: Array(byLoop.values), census: census, logger: logger)
    }

    private static func listen(
        _ listener: HTTPListener, group: MultiThreadedEventLoopGroup,
        contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>], census: Census
    ) async throws(HTTPServerError) -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 65_536)
            )
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

    /// Sets one accepted connection up, on its loop.
    private static func prepare(
        _ channel: any Channel, listener: HTTPListener, contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>],
        census: Census
    ) -> EventLoopFuture<Void> {
        guard let bound = contexts[ObjectIdentifier(channel.eventLoop)], let id = census.enter() else {
            return channel.close()
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

    /// Open connections, over all listeners.
    package var connectionCount: Int { self.census.count }

    /// Stops: accepts nothing more, closes what is idle, answers what is in flight to its last byte.
    ///
    /// When it returns, no connection is left and every handler has ended, save those that ignored their cancellation for
    /// `HTTPLimits.handlerGrace`.
    ///
    /// - Returns: how many connections were cut when the time was over.
    package func drain(within limit: Duration = .seconds(30)) async -> Int {
        for channel in self.listening {
            channel.close(promise: nil)
            if let path = channel.localAddress?.pathname { UnixSocket.remove(path) }
        }
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
        let timer = self.contexts.first?.eventLoop.scheduleTask(in: TimeAmount(limit)) { [census] in census.giveUp() }
        await self.census.untilEmpty()
        timer?.cancel()
    }
}
