/// Where a server listens.
package struct HTTPListener: Sendable {
    enum Place: Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String, mode: UInt16)
    }

    let place: Place
    let tls: TLSIdentity?
    let label: String

    /// - Parameters:
    ///   - port: 0 takes a free one; see `HTTPServer.addresses`.
    ///   - tls: with it, every connection speaks TLS.
    ///   - label: what the service sees in `ConnectionFacts.listener`.
    package static func tcp(
        host: String, port: Int, tls: TLSIdentity? = nil, label: String = "http"
    ) -> HTTPListener {
        HTTPListener(place: .tcp(host: host, port: port), tls: tls, label: label)
    }

    /// A socket file that nobody answers on any more is replaced.
    ///
    /// - Parameter mode: permission bits; set before the first connection is possible.
    package static func unix(path: String, mode: UInt16 = 0o660, label: String = "unix") -> HTTPListener {
        HTTPListener(place: .unix(path: path, mode: mode), tls: nil, label: label)
    }

    var description: String {
        switch self.place {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path, _): path
        }
    }
}
