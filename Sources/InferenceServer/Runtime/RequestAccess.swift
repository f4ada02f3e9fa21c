import Digests
import HTTPKernel
import NIOCore
import NIOHTTP1
package import Names
package import S3Types
import SigV4

/// Whether a request was signed by a key that may ask for predictions.
///
/// Source: "Signature Version 4 signing process"; the names of the faults are those of "Common Errors", Amazon SageMaker API
/// Reference.
package struct RequestAccess: Sendable {
    private let verifier: SignatureVerifier

    /// - Parameters:
    ///   - secrets: by access key.
    ///   - now: seconds since 1970.
    package init(secrets: [Name: Secret], region: String, now: @escaping @Sendable () -> Int64) {
        verifier = SignatureVerifier(region: region, service: "sagemaker", secret: { secrets[Name($0)] }, now: now)
    }

    static let unsigned = refused("MissingAuthenticationTokenException", "Missing Authentication Token")

    /// Whether the request claims a signature, by header or by query.
    static func isSigned(_ head: RequestHead) -> Bool {
        head.first("authorization") != nil || head.target.contains("X-Amz-Signature=")
    }

    /// - Throws: a refusal of kind `access`.
    func check(_ head: RequestHead, body: ByteBuffer) throws(Refusal) {
        let digest = Digest.sha256(body.readableBytesSpan)
        var fields: [(name: String, value: String)] = []
        head.forEachField { name, value in
            fields.append((Self.text(name).asciiLowercased(), Self.text(value)))
        }
        let facts = RequestFacts(
            method: head.method.rawValue, target: head.target, fields: fields, payloadDigest: hexadecimal(digest))
        let payload: PayloadForm
        do throws(SignatureError) { payload = try verifier.verify(facts).payload } catch { throw Self.refusal(error) }
        switch payload {
        case .unsigned: return
        case .digest(let signed):
            guard Digest.isEqual(signed, digest) else {
                throw Self.refused(
                    "InvalidSignatureException", "The signed hash of the payload is not that of the body.")
            }
        case .signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer:
            throw Self.refused("InvalidSignatureException", "A payload signed in chunks is not read here.")
        }
    }

    private static func refusal(_ error: SignatureError) -> Refusal {
        switch error {
        case .unsigned: unsigned
        case .ambiguous, .unsupportedAlgorithm, .malformedTarget, .missingDate, .missingPayloadHash,
            .malformedPayloadHash, .unsignedHeaders:
            refused(
                "IncompleteSignatureException", "The request is not signed as Signature Version 4 has it.", .badRequest)
        case .malformedHeader(let reason), .malformedQuery(let reason):
            refused("IncompleteSignatureException", reason, .badRequest)
        case .wrongRegion(_, let expected, _):
            refused(
                "InvalidSignatureException", "Credential should be scoped to a valid region: \(expected).")
        case .unknownAccessKey:
            refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        case .skewed(let request, let server):
            refused(
                "InvalidSignatureException",
                "Signature expired: \(SigningTime(seconds: request)) is not within 15 minutes of \(SigningTime(seconds: server))."
            )
        case .notYetValid, .expired: refused("InvalidSignatureException", "The presigned URL is not valid now.")
        case .mismatch:
            refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
                    + "Key and signing method.")
        }
    }

    private static func refused(
        _ errorType: String, _ reason: String, _ status: HTTPResponseStatus = .forbidden
    ) -> Refusal {
        Refusal(.access, status, reason, errorType: errorType)
    }

    private static func text(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
