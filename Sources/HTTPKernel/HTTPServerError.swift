/// Why a server could not start, or its certificate not be read.
package enum HTTPServerError: Error {
    /// The address cannot be listened on: taken, not ours, or not permitted. Choose another.
    case cannotListen(address: String, cause: any Error)
    /// A living server answers on that socket path. Stop it first, or choose another path.
    case socketInUse(path: String)
    /// The certificate or key cannot be read or do not fit together; what was in use stays in use.
    case unusableCertificate(path: String, cause: any Error)
}

extension HTTPServerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotListen(let address, let cause): "cannot listen on \(address): \(cause)"
        case .socketInUse(let path): "cannot listen on \(path): a living server answers there"
        case .unusableCertificate(let path, let cause): "cannot use the certificate \(path): \(cause)"
        }
    }
}
