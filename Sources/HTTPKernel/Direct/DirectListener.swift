import CEpoll
import Glibc
import NIOCore

/// A listening socket on a direct loop. Connections go to the lanes in turn, so that every loop gets its share.
final class DirectListener: DirectSource, @unchecked Sendable {
    // Sendable: made by one thread, then touched on its loop only.

    let address: SocketAddress
    private let descriptor: CInt
    private let label: String
    private let loop: DirectLoop
    private let lanes: [NIOLoopBound<DirectLane>]
    private let census: Census
    private var nextLane = 0
    private var isClosed = false

    /// So many connections are taken before the loop looks at others.
    private static let burstCount = 16

    /// Binds and listens. Accepts nothing before `start`.
    init(
        _ listener: HTTPListener, lanes: [NIOLoopBound<DirectLane>], loop: DirectLoop, census: Census
    ) throws(HTTPServerError) {
        let descriptor: CInt
        switch listener.place {
        case .tcp(let host, let port):
            descriptor = try Self.bound(host: host, port: port, description: listener.description)
        case .unix(let path, let mode): descriptor = try UnixSocket.bound(path: path, mode: mode)
        }
        guard listen(descriptor, 1024) == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0,
            let address = unsafe Self.address({ unsafe getsockname(descriptor, $0, $1) })
        else {
            let error = SystemError(number: errno)
            _ = Glibc.close(descriptor)
            throw .cannotListen(address: listener.description, cause: error)
        }
        self.descriptor = descriptor
        self.address = address
        self.label = listener.label
        self.lanes = lanes
        self.loop = loop
        self.census = census
    }

    private static func bound(host: String, port: Int, description: String) throws(HTTPServerError) -> CInt {
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw .cannotListen(address: description, cause: error)
        }
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(CInt(address.protocol.rawValue), kind, 0)
        guard descriptor >= 0 else { throw .cannotListen(address: description, cause: SystemError(number: errno)) }
        var enabled: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &enabled, size)
        // Accepted sockets have it from here.
        unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &enabled, size)
        guard unsafe address.withSockAddr({ unsafe bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            let error = SystemError(number: errno)
            _ = Glibc.close(descriptor)
            throw .cannotListen(address: description, cause: error)
        }
        return descriptor
    }

    /// Begins to accept; on the loop.
    func start() {
        guard !self.isClosed, !self.loop.watch(self.descriptor, self, isToldOnce: false) else { return }
        self.rest()
    }

    /// Lets no further connection begin, and goes on accepting those that have; on the loop. A Unix socket is kept from new
    /// ones by removing its path.
    func turnAway() {
        guard !self.isClosed, self.address.pathname == nil else { return }
        // Where the kernel will not, closing the socket resets what nobody has accepted by then, as it always did.
        _ = cepoll_turn_away(self.descriptor)
    }

    /// Accepts what has come, and nothing more; on the loop.
    func close() {
        guard !self.isClosed else { return }
        // Closing would reset them, and with them the requests that they have sent.
        while self.acceptBurst() {}
        self.isClosed = true
        self.loop.unwatch(self.descriptor)
        _ = Glibc.close(self.descriptor)
    }

    func isReady(hasEnded: Bool) { _ = self.acceptBurst() }

    /// Whether there may be more.
    private func acceptBurst() -> Bool {
        for _ in 0..<Self.burstCount {
            var peer = sockaddr_storage()
            let accepted = unsafe cepoll_accept(self.descriptor, &peer)
            guard accepted >= 0 else {
                switch errno {
                case EAGAIN: return false
                case EINTR, ECONNABORTED: continue
                // No descriptor or memory left: whoever waits, waits until some are given back.
                default:
                    self.rest()
                    return false
                }
            }
            self.serve(accepted, peer: Self.address(peer))
        }
        return true
    }

    private func serve(_ descriptor: CInt, peer: SocketAddress?) {
        guard let id = self.census.enter() else {
            _ = Glibc.close(descriptor)
            return
        }
        let facts = ConnectionFacts(
            id: id, peer: peer, local: unsafe Self.address({ unsafe getsockname(descriptor, $0, $1) }), isTLS: false,
            listener: self.label)
        let lane = self.lanes[self.nextLane]
        self.nextLane = (self.nextLane + 1) % self.lanes.count
        if lane.eventLoop === self.loop {
            lane.value.serve(descriptor, facts)
        } else {
            lane.eventLoop.execute { lane.value.serve(descriptor, facts) }
        }
    }

    /// Looks away for a second.
    private func rest() {
        self.loop.unwatch(self.descriptor)
        _ = self.loop.scheduleTask(in: .seconds(1)) { [self] in self.start() }
    }

    // MARK: Addresses

    private static func address(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe ask($0, &size) }
        }
        return result == 0 ? Self.address(storage) : nil
    }

    /// Nil for a family that has no address of its own, such as the client's end of a Unix socket.
    private static func address(_ storage: sockaddr_storage) -> SocketAddress? {
        unsafe withUnsafePointer(to: storage) { pointer in
            switch CInt(storage.ss_family) {
            case AF_INET:
                unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress(unsafe $0.pointee) }
            case AF_INET6:
                unsafe pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    SocketAddress(unsafe $0.pointee)
                }
            case AF_UNIX:
                unsafe pointer.withMemoryRebound(to: sockaddr_un.self, capacity: 1) { SocketAddress(unsafe $0.pointee) }
            default: nil
            }
        }
    }
}
