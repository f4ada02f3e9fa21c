import Digests
import Names
import S3Types

/// A URL presigned by Signature Version 2, which aws-cli v1 and boto3 still make unless told otherwise.
///
/// Nothing but a presigned URL is accepted of that version: it is read-mostly, short-lived and bound to its method and path.
///
/// Source: "Signing and authenticating REST requests (AWS signature version 2)", query string request authentication alternative.
struct LegacyPresignedURL {
    let accessKey: String
    /// Since 1970.
    let expirySeconds: Int64
    private let signature: String
    private let target: RequestTarget

    /// The parameters that are part of the resource; every other is not signed.
    private static let signedParameters: Set<Name> = [
        "acl", "cors", "delete", "lifecycle", "location", "logging", "notification", "partNumber", "policy",
        "requestPayment",
        "response-cache-control", "response-content-disposition", "response-content-encoding",
        "response-content-language",
        "response-content-type", "response-expires", "restore", "tagging", "torrent", "uploadId", "uploads",
        "versionId",
        "versioning", "versions", "website",
    ]

    /// - Throws: ``SignatureError/malformedQuery(reason:)``.
    init(_ target: RequestTarget) throws(SignatureError) {
        guard let accessKey = target.only("AWSAccessKeyId"), let signature = target.only("Signature"),
            let expiry = target.only("Expires"), !accessKey.isEmpty
        else {
            throw .malformedQuery(
                reason: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
        }
        // Until the end of the year 9999, so that no later sum overflows.
        guard let expirySeconds = Int64(digits: expiry), (0...253_402_300_799).contains(expirySeconds) else {
            throw .malformedQuery(reason: "Invalid date (should be seconds since epoch): \(expiry)")
        }
        // Parameters of this store that change what a request does, yet that the signature would not cover.
        guard !target.contains("events"), !target.contains("cursor") else { throw .unsupportedAlgorithm }
        self.accessKey = accessKey
        self.signature = signature
        self.expirySeconds = expirySeconds
        self.target = target
    }

    /// - Throws: ``SignatureError/malformedQuery(reason:)`` for a URL good for more than a week, ``SignatureError/mismatch(_:)``.
    func verify(_ request: RequestFacts, secret: Secret, nowSeconds: Int64) throws(SignatureError) {
        guard expirySeconds - nowSeconds <= Authorization.longestExpirySeconds else {
            throw .malformedQuery(reason: "Expires must be less than a week ahead")
        }
        let stringToSign = stringToSign(request)
        let expected = HMACKey(Array(secret.revealed.utf8), function: .sha1).authenticate(stringToSign)
        guard let given = S3Types.bytes(base64: signature), Digest.isEqual(expected, given) else {
            throw .mismatch(
                SignatureMismatch(
                    accessKey: accessKey, stringToSign: stringToSign, givenSignature: signature, canonicalRequest: ""))
        }
    }

    private func stringToSign(_ request: RequestFacts) -> String {
        let parameters = target.parameters.map {
            (name: String(decoding: $0.name, as: UTF8.self), value: String(decoding: $0.value, as: UTF8.self))
        }
        func standard(_ name: String) -> String {
            request.first(Name(name)) ?? parameters.first { Name($0.name.asciiLowercased()) == Name(name) }?.value ?? ""
        }
        var text = "\(request.method)\n\(standard("content-md5"))\n\(standard("content-type"))\n\(expirySeconds)\n"
        var amz: [Name: String] = [:]
        for field in request.fields where field.name.hasBytePrefix("x-amz-") {
            amz[Name(field.name)] = amz[Name(field.name)].map { "\($0),\(field.value)" } ?? field.value
        }
        for item in parameters {
            let name = Name(item.name.asciiLowercased())
            if name.text.hasBytePrefix("x-amz-"), amz[name] == nil { amz[name] = item.value }
        }
        for (name, value) in amz.sorted(by: { $0.key < $1.key }) { text += "\(name.text):\(value)\n" }
        if let bucket = request.hostedBucket { text += "/\(bucket)" }
        text += String(decoding: target.text.utf8.prefix(target.encodedPathCount), as: UTF8.self)
        let signed = parameters.filter { Self.signedParameters.contains(Name($0.name)) }
            .sorted { Name($0.name) < Name($1.name) }
        let items = signed.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }
        return items.isEmpty ? text : text + "?" + items.joined(separator: "&")
    }
}
