import NIOCore
package import NIOSSL
import Synchronization

/// A server's certificate chain and key, which can be read anew while it serves: connections made from then on use the new
/// ones.
package final class TLSIdentity: Sendable {
    private let certificatePath: String
    private let keyPath: String
    private let current: Mutex<Current>

    private struct Current {
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
        let context: NIOSSLContext
    }

    /// Reads the PEM files. Blocks; not for an event loop.
    package init(certificatePath: String, keyPath: String) throws(HTTPServerError) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.current = Mutex(try Self.read(certificatePath: certificatePath, keyPath: keyPath))
    }

    /// Reads the files again. On a throw the former certificate stays in use.
    package func reload() throws(HTTPServerError) {
        let read = try Self.read(certificatePath: self.certificatePath, keyPath: self.keyPath)
        self.current.withLock { $0 = read }
    }

    var context: NIOSSLContext { self.current.withLock { $0.context } }

    /// What belongs together, for a server that makes contexts of its own.
    package var certificate: (chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) {
        self.current.withLock { ($0.chain, $0.key) }
    }

    private static func read(certificatePath: String, keyPath: String) throws(HTTPServerError) -> Current {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificatePath)
            let key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            // An idle client does not answer the end of TLS until it next looks at its socket; a stop must not wait for that.
            configuration.shutdownTimeout = .seconds(1)
            configuration.applicationProtocols = ["http/1.1"]
            // Fails where the key is not that of the certificate.
            return Current(chain: chain, key: key, context: try NIOSSLContext(configuration: configuration))
        } catch {
            throw .unusableCertificate(path: certificatePath, cause: error)
        }
    }
}
