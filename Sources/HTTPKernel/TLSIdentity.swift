import NIOCore
import NIOSSL
import Synchronization

/// A server's certificate chain and key, which can be read anew while it serves: connections made from then on use the new
/// ones.
package final class TLSIdentity: Sendable {
    private let certificatePath: String
    private let keyPath: String
    private let current: Mutex<NIOSSLContext>

    /// Reads the PEM files. Blocks; not for an event loop.
    package init(certificatePath: String, keyPath: String) throws(HTTPServerError) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.current = Mutex(try Self.read(certificatePath: certificatePath, keyPath: keyPath))
    }

    /// Reads the files again. On a throw the former certificate stays in use.
    package func reload() throws(HTTPServerError) {
        let context = try Self.read(certificatePath: self.certificatePath, keyPath: self.keyPath)
        self.current.withLock { $0 = context }
    }

    var context: NIOSSLContext { self.current.withLock { $0 } }

    private static func read(certificatePath: String, keyPath: String) throws(HTTPServerError) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificatePath)
            let key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            // An idle client does not answer the end of TLS until it next looks at its socket; a stop must not wait for that.
            configuration.shutdownTimeout = .seconds(1)
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unusableCertificate(path: certificatePath, cause: error)
        }
    }
}
