import Glibc

/// Why one request of a load failed, or why the load never started.
package enum LoadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A path that no Unix socket can have.
    case badAddress(String)
    /// A name without an address, and what the resolver says of it.
    case unresolved(host: String, reason: String)
    /// `address` is HOST:PORT or a path.
    case connect(address: String, errno: Int32)
    case send(errno: Int32)
    case receive(errno: Int32)
    case closedEarly
    case malformedResponse

    package var description: String {
        switch self {
        case .badAddress(let path): "\(path) is no path of a Unix socket: those have 1 to 107 bytes"
        case .unresolved(let host, let reason): "\(host) has no address: \(reason)"
        case .connect(let address, ECONNREFUSED): "connection refused by \(address)"
        case .connect(let address, ENOENT): "no socket at \(address)"
        case .connect(let address, let errno): "no connection to \(address): \(Self.text(errno))"
        case .send(let errno): "the request could not be sent: \(Self.text(errno))"
        case .receive(let errno): "no answer could be received: \(Self.text(errno))"
        case .closedEarly: "the connection was closed before the answer's end"
        case .malformedResponse: "the answer is no HTTP/1.1 that states its length"
        }
    }

    private static func text(_ errno: Int32) -> String { unsafe String(cString: strerror(errno)) }
}
