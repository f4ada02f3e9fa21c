/// Why a request is not accepted as signed. Nothing of it has been carried out.
package enum SignatureError: Error, Equatable, Sendable {
    /// Neither an Authorization header nor presigned parameters: the request is anonymous.
    case unsigned
    /// Both of them.
    case ambiguous
    /// Signed by another scheme than AWS4-HMAC-SHA256.
    case unsupportedAlgorithm
    /// The Authorization header does not parse, or its scope is not ours.
    case malformedHeader(reason: String)
    /// The presigned parameters do not parse, or their scope is not ours.
    case malformedQuery(reason: String)
    /// The scope names another region; a client may sign again for the one expected.
    case wrongRegion(given: String, expected: String, isPresigned: Bool)
    /// The request target cannot be decoded.
    case malformedTarget
    case unknownAccessKey(String)
    /// No usable x-amz-date and no Date.
    case missingDate
    /// `x-amz-content-sha256` is missing from a request signed by header.
    case missingPayloadHash
    case malformedPayloadHash
    /// Headers that had to be signed and were not.
    case unsignedHeaders([String])
    /// The clocks differ by more than the allowed time.
    case skewed(requestSeconds: Int64, serverSeconds: Int64)
    case notYetValid
    case expired(atSeconds: Int64, serverSeconds: Int64)
    case mismatch(SignatureMismatch)
}

/// What the server computed with, so that a client's author can compare. Neither the key nor the expected signature is here.
package struct SignatureMismatch: Equatable, Sendable {
    package let accessKey: String
    package let stringToSign: String
    package let givenSignature: String
    package let canonicalRequest: String
}
