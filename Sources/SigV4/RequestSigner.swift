import Names
package import S3Types

/// Signs requests, for a client.
package struct RequestSigner: Sendable {
    private let accessKey: String
    private let secret: Secret
    private let sessionToken: Secret?
    private let region: String
    private let service: String
    private let keys = SigningKeys(limitCount: 8)

    package init(accessKey: String, secret: Secret, sessionToken: Secret? = nil, region: String, service: String = "s3")
    {
        self.accessKey = accessKey
        self.secret = secret
        self.sessionToken = sessionToken
        self.region = region
        self.service = service
    }

    /// The fields of the request with those that sign it: x-amz-date, x-amz-content-sha256, x-amz-security-token where there
    /// is one, and authorization. Every field given is signed but those that a connection may change.
    ///
    /// - Parameters:
    ///   - target: as it will stand in the request line, encoded.
    ///   - fields: must hold `host`. Names are lowered.
    ///   - seconds: the client's clock, since 1970.
    /// - Throws: ``SignatureError/malformedTarget``.
    package func sign(
        method: String, target: String, fields: [(name: String, value: String)], payload: PayloadForm,
        atSeconds seconds: Int64
    ) throws(SignatureError) -> [(name: String, value: String)] {
        let time = SigningTime(seconds: seconds)
        let replaced: Set<Name> = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"]
        var signed = fields.map { (name: $0.name.asciiLowercased(), value: $0.value) }
            .filter { !replaced.contains(Name($0.name)) }
        signed.append(("x-amz-date", time.description))
        signed.append(("x-amz-content-sha256", payload.text))
        if let sessionToken { signed.append(("x-amz-security-token", sessionToken.revealed)) }
        let names = Self.namesToSign(signed)
        guard let parsed = RequestTarget(target) else { throw .malformedTarget }
        let canonical = CanonicalRequest(
            method: method, target: parsed, fields: signed, signedHeaders: names, payload: payload.text,
            encodesPathTwice: service != "s3")
        let key = key(on: time)
        let signature = key.signature(of: key.requestStringToSign(canonicalRequest: canonical.bytes, at: time))
        let authorization =
            "\(Authorization.algorithm) Credential=\(key.scope.credential),"
            + "SignedHeaders=\(names.joined(separator: ";")),Signature=\(signature)"
        signed.append(("authorization", authorization))
        return signed
    }

    /// The target with the parameters that make it a presigned URL's.
    ///
    /// - Parameters:
    ///   - fields: what the client will have to send as given here; must hold `host`.
    ///   - expirySeconds: 1 to seven days.
    /// - Throws: ``SignatureError/malformedTarget``.
    package func presign(
        method: String, target: String, fields: [(name: String, value: String)], expirySeconds: Int64,
        atSeconds seconds: Int64
    ) throws(SignatureError) -> String {
        precondition(
            (1...Authorization.longestExpirySeconds).contains(expirySeconds), "a URL is good for up to seven days")
        let time = SigningTime(seconds: seconds)
        let key = key(on: time)
        let signed = fields.map { (name: $0.name.asciiLowercased(), value: $0.value) }
        let names = Self.namesToSign(signed)
        func encoded(_ text: String) -> String { PercentEncoding.encode(text, keepsSlash: false) }
        var presigned =
            target + (target.utf8.contains(UInt8(ascii: "?")) ? "&" : "?")
            + "X-Amz-Algorithm=\(Authorization.algorithm)"
        presigned +=
            "&X-Amz-Credential=\(encoded(key.scope.credential))&X-Amz-Date=\(time)&X-Amz-Expires=\(expirySeconds)"
        if let sessionToken { presigned += "&X-Amz-Security-Token=\(encoded(sessionToken.revealed))" }
        presigned += "&X-Amz-SignedHeaders=\(encoded(names.joined(separator: ";")))"
        guard let parsed = RequestTarget(presigned) else { throw .malformedTarget }
        let canonical = CanonicalRequest(
            method: method, target: parsed, fields: signed, signedHeaders: names, payload: PayloadForm.unsigned.text,
            encodesPathTwice: service != "s3")
        let signature = key.signature(of: key.requestStringToSign(canonicalRequest: canonical.bytes, at: time))
        return presigned + "&X-Amz-Signature=\(signature)"
    }

    private func key(on time: SigningTime) -> SigningKey {
        keys.key(
            for: CredentialScope(accessKey: accessKey, day: time.day, region: region, service: service), secret: secret)
    }

    /// Sorted, each once; without those that a proxy or the connection itself may change.
    private static func namesToSign(_ fields: [(name: String, value: String)]) -> [String] {
        let unstable: Set<Name> = ["connection", "expect", "transfer-encoding", "user-agent", "te", "accept-encoding"]
        return Set(fields.map { Name($0.name) }).subtracting(unstable).sorted().map(\.text)
    }
}
