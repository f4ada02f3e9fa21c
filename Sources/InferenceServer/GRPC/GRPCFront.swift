import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import HTTPKernel
import Logging
import NIOCore
import NIOPosix

/// Where gRPC is served.
package enum GRPCListener: Sendable {
    /// Port 0 takes a free one; with an identity every connection speaks TLS.
    case tcp(host: String, port: Int, tls: TLSIdentity?)
    /// A socket file that does not exist or that nobody listens on any more.
    case unix(path: String, mode: UInt16)
}

/// The gRPC form of the Open Inference Protocol, on a socket of its own and on the serving loops.
struct GRPCFront: Sendable {
    private typealias Transport = HTTP2ServerTransport.Posix

    private let server: GRPCServer<PatientTransport>
    private let loops: Loops
    /// Of a Unix socket.
    private let path: String?

    /// By event loop.
    private typealias Loops = [ObjectIdentifier: NIOLoopBound<GRPCLoop>]

    /// - Parameter serving: one for each event loop of the group.
    init(
        _ listener: GRPCListener, group: MultiThreadedEventLoopGroup, limits: GRPCLimits, serving: ServingLoops,
        logger: Logger
    ) async throws {
        let loops = try await Self.loops(serving, limits)
        self.loops = loops
        let config = Transport.Config.defaults { config in
            // Of larger messages the library sees nothing.
            config.rpc.maxRequestPayloadSize = limits.messageBytes
            config.http2.maxConcurrentStreams = limits.streamCount
            config.http2.targetWindowSize = limits.windowBytes
            config.connection.keepalive.time = .seconds(limits.silenceSeconds)
            // An answer waits for no other.
            config.connection.flushCoalescing = nil
            config.channelDebuggingCallbacks = Self.guards(loops, logger)
        }
        let transport: Transport
        switch listener {
        case .tcp(let name, let port, let tls):
            path = nil
            let address = try NIOCore.SocketAddress.makeAddressResolvingHost(name, port: port)
            let host = address.ipAddress ?? name
            transport = Transport(
                address: address.protocol == .inet6 ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port),
                transportSecurity: try tls.map { identity in
                    try .tls(certificateReloader: GRPCCertificate(identity: identity))
                } ?? .plaintext,
                config: config, eventLoopGroup: group)
        case .unix(let path, let mode):
            self.path = path
            // Not bound by the library, which gives the file no mode and takes that of a living server away.
            transport = Transport(
                listeningSocketDescriptor: Int(try UnixSocket.bound(path: path, mode: mode)),
                transportSecurity: .plaintext, config: config, eventLoopGroup: group)
        }
        server = GRPCServer(transport: PatientTransport(transport: transport), services: [InferenceRPCs(serving)])
    }

    private static func loops(_ serving: ServingLoops, _ limits: GRPCLimits) async throws -> Loops {
        let count = serving.loops.count
        var loops: Loops = [:]
        for served in serving.loops {
            let loop = served.eventLoop
            loops[ObjectIdentifier(loop)] = try await loop.submit {
                let made = GRPCLoop(served.value, limits, loopCount: count)
                made.start()
                return NIOLoopBound(made, eventLoop: loop)
            }.get()
        }
        return loops
    }

    /// Puts handlers of our own before the library's: on the listening socket, on each connection and on each call. The library calls
    /// the places where it lets one do so "debugging callbacks"; each is run before anything is read.
    private static func guards(
        _ loops: Loops, _ logger: Logger
    ) -> HTTP2ServerTransport.Config.ChannelDebuggingCallbacks {
        .init(
            onBindTCPListener: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptRest(logger: logger), position: .first)
                }
            },
            onAcceptTCPConnection: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = GRPCConnection(Self.loop(of: channel, loops))
                    try channel.pipeline.syncOperations.addHandler(connection, position: .first)
                }
            },
            onAcceptHTTP2Stream: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let loop = Self.loop(of: channel, loops)
                    guard let connection = channel.parent.flatMap({ loop.connection(of: $0) }) else {
                        // The connection has just gone.
                        throw ChannelError.ioOnClosedChannel
                    }
                    try channel.pipeline.syncOperations.addHandler(GRPCStream(loop, connection), position: .first)
                }
            })
    }

    private static func loop(of channel: any Channel, _ loops: Loops) -> GRPCLoop {
        guard let bound = loops[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a connection on a loop outside the group")
        }
        return bound.value
    }

    /// Serves until it is drained or the task is cancelled.
    func serve() async throws {
        defer {
            leave()
            for bound in loops.values { bound.eventLoop.execute { bound.value.stop() } }
        }
        try await server.serve()
    }

    /// Where it listens, once it does.
    var address: NIOCore.SocketAddress {
        get async throws {
            let bound = try await server.transport.transport.listeningAddress
            if let path { return try NIOCore.SocketAddress(unixDomainSocketPath: path) }
            guard let (host, port) = bound.ipv4.map({ ($0.host, $0.port) }) ?? bound.ipv6.map({ ($0.host, $0.port) })
            else {
                preconditionFailure("bound to an address of another family")
            }
            return try NIOCore.SocketAddress(ipAddress: host, port: port)
        }
    }

    /// Takes no further call; ``serve()`` returns when those in flight are answered.
    func beginDraining() {
        leave()
        server.beginGracefulShutdown()
    }

    /// Nobody finds it by its path any more.
    private func leave() {
        if let path { UnixSocket.remove(path) }
    }
}
