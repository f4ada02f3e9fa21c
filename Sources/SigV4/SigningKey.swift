import Digests
package import S3Types

/// The key that signs within one scope.
package struct SigningKey: Sendable {
    package let scope: CredentialScope
    private let key: HMACKey

    package init(scope: CredentialScope, secret: Secret) {
        self.scope = scope
        let day = HMACKey(Array("AWS4\(secret.revealed)".utf8)).authenticate(scope.day)
        let region = HMACKey(day).authenticate(scope.region)
        let service = HMACKey(region).authenticate(scope.service)
        self.key = HMACKey(HMACKey(service).authenticate("aws4_request"))
    }

    /// The signature of a string to sign: 64 lower-case hexadecimal digits.
    package func signature(of stringToSign: String) -> String { hexadecimal(key.authenticate(stringToSign)) }

    // MARK: Strings to sign

    package func requestStringToSign(canonicalRequest: [UInt8], at time: SigningTime) -> String {
        "AWS4-HMAC-SHA256\n\(time)\n\(scope.text)\n\(hexadecimal(Digest.sha256(canonicalRequest)))"
    }

    package func chunkStringToSign(previousSignature: String, sha256: [UInt8], at time: SigningTime) -> String {
        "AWS4-HMAC-SHA256-PAYLOAD\n\(time)\n\(scope.text)\n\(previousSignature)\n\(Self.emptySHA256)\n\(hexadecimal(sha256))"
    }

    package func trailerStringToSign(previousSignature: String, sha256: [UInt8], at time: SigningTime) -> String {
        "AWS4-HMAC-SHA256-TRAILER\n\(time)\n\(scope.text)\n\(previousSignature)\n\(hexadecimal(sha256))"
    }

    private static let emptySHA256 = hexadecimal(Digest.sha256([]))
}

/// Whether a signature given, of either case, is the one computed, in a time that does not depend on where they differ.
func isSameSignature(_ computed: String, _ given: String) -> Bool {
    guard let computed = bytes(hexadecimal: computed), let given = bytes(hexadecimal: given) else { return false }
    return Digest.isEqual(computed, given)
}
