import Names
package import S3Types

/// What a request says about its own signature, as it stands in the header or in the query of a presigned URL.
package struct Authorization: Sendable {
    package enum Place: Hashable, Sendable {
        case header
        /// - Parameter expirySeconds: how long the URL is good for.
        case query(expirySeconds: Int64)
        /// A URL presigned by Signature Version 2.
        case legacyQuery
    }

    package let place: Place
    package let scope: CredentialScope
    /// Lower case, sorted.
    package let signedHeaders: [String]
    /// As given: 64 hexadecimal digits.
    package let signature: String

    package static let algorithm = "AWS4-HMAC-SHA256"
    package static let longestExpirySeconds: Int64 = 7 * 86_400
    static let missingParameters =
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
        + "X-Amz-SignedHeaders, and X-Amz-Expires parameters."

    /// - Throws: ``SignatureError/unsupportedAlgorithm`` or ``SignatureError/malformedHeader(reason:)``.
    package init(header: String) throws(SignatureError) {
        let parts = header.strippingBlanks().pieces(at: " ", cuts: 1)
        guard Name(parts[0]) == Name(Self.algorithm) else { throw .unsupportedAlgorithm }
        var values: [Name: String] = [:]
        for item in (parts.count > 1 ? parts[1] : "").pieces(at: ",") where !item.isEmpty {
            let halves = item.strippingBlanks().pieces(at: "=", cuts: 1)
            guard halves.count == 2 else {
                throw .malformedHeader(reason: "the Authorization header holds a part that is not name=value")
            }
            let name = Name(halves[0])
            guard values.updateValue(String(halves[1]), forKey: name) == nil else {
                throw .malformedHeader(reason: "\(name) is given twice")
            }
        }
        func required(_ name: String) throws(SignatureError) -> String {
            guard let value = values[Name(name)], !value.isEmpty else {
                throw .malformedHeader(reason: "\(name) is missing")
            }
            return value
        }
        guard let scope = CredentialScope(credential: try required("Credential")) else {
            throw .malformedHeader(
                reason: "the Credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"")
        }
        guard let names = Self.headerNames(try required("SignedHeaders")) else {
            throw .malformedHeader(reason: "SignedHeaders is malformed")
        }
        let signature = try required("Signature")
        guard Self.isSignature(signature) else { throw .malformedHeader(reason: "the Signature is malformed") }
        self.init(place: .header, scope: scope, signedHeaders: names, signature: signature)
    }

    /// - Throws: ``SignatureError/unsupportedAlgorithm`` or ``SignatureError/malformedQuery(reason:)``.
    package init(target: RequestTarget) throws(SignatureError) {
        func required(_ name: StaticString) throws(SignatureError) -> String {
            guard let value = target.only(name), !value.isEmpty else {
                throw .malformedQuery(reason: Self.missingParameters)
            }
            return value
        }
        guard Name(try required("X-Amz-Algorithm")) == Name(Self.algorithm) else {
            throw .malformedQuery(reason: "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
        }
        guard let scope = CredentialScope(credential: try required("X-Amz-Credential")) else {
            throw .malformedQuery(
                reason: "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
                    + "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        }
        guard let names = Self.headerNames(try required("X-Amz-SignedHeaders")) else {
            throw .malformedQuery(reason: "X-Amz-SignedHeaders is malformed")
        }
        let signature = try required("X-Amz-Signature")
        guard Self.isSignature(signature) else { throw .malformedQuery(reason: "X-Amz-Signature is malformed") }
        let expiry = try Self.expirySeconds(try required("X-Amz-Expires"))
        self.init(place: .query(expirySeconds: expiry), scope: scope, signedHeaders: names, signature: signature)
    }

    private init(place: Place, scope: CredentialScope, signedHeaders: [String], signature: String) {
        self.place = place
        self.scope = scope
        self.signedHeaders = signedHeaders
        self.signature = signature
    }

    /// How long a presigned URL is good for: 1 to 604,800 seconds, in digits and nothing else.
    ///
    /// Source: "Authenticating requests: using query parameters", Amazon S3 API Reference.
    private static func expirySeconds(_ text: String) throws(SignatureError) -> Int64 {
        let isNegative = text.utf8.first == UInt8(ascii: "-") && UInt64(digits: text.dropFirst()) != nil
        guard !isNegative else { throw .malformedQuery(reason: "X-Amz-Expires must be non-negative") }
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber else { throw .malformedQuery(reason: "X-Amz-Expires should be a number") }
        guard let expiry = Int64(digits: text), expiry <= longestExpirySeconds else {
            throw .malformedQuery(
                reason: "X-Amz-Expires must be less than a week (in seconds); that is, the given "
                    + "X-Amz-Expires must be less than \(longestExpirySeconds) seconds")
        }
        guard expiry > 0 else {
            throw .malformedQuery(reason: "X-Amz-Expires must be from 1 to \(longestExpirySeconds) seconds")
        }
        return expiry
    }

    private static func headerNames(_ text: String) -> [String]? {
        let names = text.pieces(at: ";").map { Name($0.asciiLowercased()) }
        guard names.allSatisfy({ !$0.isEmpty }), Set(names).count == names.count else { return nil }
        return names.sorted().map(\.text)
    }

    private static func isSignature(_ text: String) -> Bool { text.utf8.count == 64 && bytes(hexadecimal: text) != nil }
}
