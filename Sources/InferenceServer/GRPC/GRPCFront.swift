import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import HTTPKernel
import NIOCore
import NIOPosix

/// Where gRPC is served, and with what certificate.
package struct GRPCListener: Sendable {
    let host: String
    let port: Int
    let tls: TLSIdentity?

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - tls: with it, every connection speaks TLS.
    package init(host: String, port: Int, tls: TLSIdentity? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
    }
}

/// The gRPC form of the Open Inference Protocol, on a socket of its own and on the serving loops.
struct GRPCFront: Sendable {
    private typealias Transport = HTTP2ServerTransport.Posix

    private let server: GRPCServer<PatientTransport>

    /// Streams that one connection may have open at once.
    private static let streamLimit = 1024

    init(
        _ listener: GRPCListener, group: MultiThreadedEventLoopGroup, limits: InferenceLimits, loops: ServingLoops
    ) throws {
        let address = try NIOCore.SocketAddress.makeAddressResolvingHost(listener.host, port: listener.port)
        let host = address.ipAddress ?? listener.host
        let isVersion6 = address.protocol == .inet6
        let transport = Transport(
            address: isVersion6 ? .ipv6(host: host, port: listener.port) : .ipv4(host: host, port: listener.port),
            transportSecurity: try listener.tls.map { identity in
                try .tls(certificateReloader: GRPCCertificate(identity: identity))
            } ?? .plaintext,
            config: .defaults { config in
                // What is a little too large is refused in words; what is larger than this, the transport cuts.
                config.rpc.maxRequestPayloadSize = 2 * limits.bodyBytes
                config.http2.maxConcurrentStreams = Self.streamLimit
                config.http2.targetWindowSize = 1 << 20
                // An answer waits for no other.
                config.connection.flushCoalescing = nil
            },
            eventLoopGroup: group)
        server = GRPCServer(transport: PatientTransport(transport: transport), services: [InferenceRPCs(loops)])
    }

    /// Serves until it is drained or the task is cancelled.
    func serve() async throws { try await server.serve() }

    /// Where it listens, once it does.
    var address: NIOCore.SocketAddress {
        get async throws {
            let bound = try await server.transport.transport.listeningAddress
            guard let (host, port) = bound.ipv4.map({ ($0.host, $0.port) }) ?? bound.ipv6.map({ ($0.host, $0.port) })
            else {
                preconditionFailure("bound to an address of another family")
            }
            return try NIOCore.SocketAddress(ipAddress: host, port: port)
        }
    }

    /// Takes no further call; ``serve()`` returns when those in flight are answered.
    func beginDraining() { server.beginGracefulShutdown() }
}
