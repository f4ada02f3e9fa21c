import HTTPKernel
import NIOCertificateReloading
import NIOSSL

/// The listeners' certificate as the gRPC transport asks for it, at each handshake: so connections that are made after it was read
/// anew have the new one.
struct GRPCCertificate: CertificateReloader {
    let identity: TLSIdentity

    var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        let (chain, key) = identity.certificate
        var override = NIOSSLContextConfigurationOverride()
        override.certificateChain = chain.map { .certificate($0) }
        override.privateKey = .privateKey(key)
        return override
    }
}
