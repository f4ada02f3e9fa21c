import Names
package import S3Types

/// The facts of a request that its signature covers.
package struct RequestFacts: Sendable {
    package var method: String
    /// As in the request line, undecoded.
    package var target: String
    /// Names in lower case, in the order received.
    package var fields: [(name: String, value: String)]
    /// The Date header as seconds since 1970, for the rare request that has no x-amz-date.
    package var dateSeconds: Int64?
    /// The bucket that the Host names, for the one form of signature that covers it as part of the path.
    package var hostedBucket: String?
    /// SHA-256 of the body in lower-case hexadecimal, where the body is at hand: what a client signs that sends no
    /// x-amz-content-sha256, as only those of S3 have to.
    package var payloadDigest: String?

    package init(
        method: String, target: String, fields: [(name: String, value: String)], dateSeconds: Int64? = nil,
        hostedBucket: String? = nil, payloadDigest: String? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.dateSeconds = dateSeconds
        self.hostedBucket = hostedBucket
        self.payloadDigest = payloadDigest
    }

    func first(_ name: Name) -> String? { fields.first { Name($0.name) == name }?.value }
}

/// A request whose signature holds: who signed it, what it says of its body, and what chunk signatures go on from.
package struct VerifiedSignature: Sendable {
    package let accessKey: String
    package let place: Authorization.Place
    package let payload: PayloadForm
    /// The request's target, taken apart.
    package let target: RequestTarget
    /// Nil for a request that cannot have a body in chunks.
    package let seed: ChunkSeed?
}

/// What the signatures of a body's chunks go on from.
package struct ChunkSeed: Sendable {
    package let key: SigningKey
    package let time: SigningTime
    /// Of the request.
    package let signature: String
}

/// Checks that requests were signed by someone who knows a secret, for this region and service, not long ago.
///
/// S3 has rules of its own: its paths are encoded once, and its URLs may be presigned by Version 2.
///
/// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference; "Create a signed AWS API request",
/// AWS Identity and Access Management User Guide.
package struct SignatureVerifier: Sendable {
    /// How far the clocks of client and server may differ.
    package static let allowedSkewSeconds: Int64 = 15 * 60

    private let region: String
    private let service: String
    private let secret: @Sendable (_ accessKey: String) -> Secret?
    private let now: @Sendable () -> Int64
    private let keys: SigningKeys

    /// - Parameters:
    ///   - secret: the secret of an access key, or nil when there is no such key.
    ///   - now: seconds since 1970.
    package init(
        region: String, service: String = "s3", secret: @escaping @Sendable (_ accessKey: String) -> Secret?,
        now: @escaping @Sendable () -> Int64, keys: SigningKeys = SigningKeys()
    ) {
        self.region = region
        self.service = service
        self.secret = secret
        self.now = now
        self.keys = keys
    }

    package func verify(_ request: RequestFacts) throws(SignatureError) -> VerifiedSignature {
        guard let target = RequestTarget(request.target) else { throw .malformedTarget }
        if isS3, request.first("authorization") == nil, target.contains("AWSAccessKeyId") {
            return try verifyLegacy(request, target)
        }
        let authorization = try self.authorization(of: request, target)
        try checkScope(authorization)
        let time = try self.time(of: request, target, authorization)
        let payload = try self.payload(of: request, authorization.place)
        try checkCoverage(authorization, request)
        guard let secret = secret(authorization.scope.accessKey) else {
            throw .unknownAccessKey(authorization.scope.accessKey)
        }
        try checkTime(time, authorization)

        let isPresigned = authorization.place != .header
        let canonical = CanonicalRequest(
            method: request.method, target: target, fields: request.fields,
            signedHeaders: authorization.signedHeaders,
            payload: request.first("x-amz-content-sha256") ?? request.payloadDigest ?? PayloadForm.unsigned.text,
            omittedParameter: isPresigned ? "X-Amz-Signature" : nil, encodesPathTwice: !isS3)
        let key = keys.key(for: authorization.scope, secret: secret)
        let stringToSign = key.requestStringToSign(canonicalRequest: canonical.bytes, at: time)
        let signature = key.signature(of: stringToSign)
        guard isSameSignature(signature, authorization.signature) else {
            throw .mismatch(
                SignatureMismatch(
                    accessKey: authorization.scope.accessKey, stringToSign: stringToSign,
                    givenSignature: authorization.signature, canonicalRequest: canonical.text))
        }
        return VerifiedSignature(
            accessKey: authorization.scope.accessKey, place: authorization.place, payload: payload, target: target,
            seed: ChunkSeed(key: key, time: time, signature: signature))
    }

    private func verifyLegacy(
        _ request: RequestFacts, _ target: RequestTarget
    ) throws(SignatureError) -> VerifiedSignature {
        let url = try LegacyPresignedURL(target)
        guard let secret = secret(url.accessKey) else { throw .unknownAccessKey(url.accessKey) }
        let now = now()
        guard now <= url.expirySeconds else { throw .expired(atSeconds: url.expirySeconds, serverSeconds: now) }
        try url.verify(request, secret: secret, nowSeconds: now)
        return VerifiedSignature(
            accessKey: url.accessKey, place: .legacyQuery, payload: .unsigned, target: target, seed: nil)
    }

    // MARK: Steps

    private var isS3: Bool { service == "s3" }

    private func authorization(
        of request: RequestFacts, _ target: RequestTarget
    ) throws(SignatureError) -> Authorization {
        let isPresigned = target.contains("X-Amz-Signature")
        let header = request.first("authorization")
        switch (header, isPresigned) {
        case (nil, false):
            guard !target.contains("X-Amz-Algorithm") else {
                throw .malformedQuery(reason: Authorization.missingParameters)
            }
            throw .unsigned
        case (_?, true): throw .ambiguous
        case (let header?, false): return try Authorization(header: header)
        case (nil, true): return try Authorization(target: target)
        }
    }

    private func checkScope(_ authorization: Authorization) throws(SignatureError) {
        let scope = authorization.scope
        let isPresigned = authorization.place != .header
        guard Name(scope.region) == Name(region) else {
            throw .wrongRegion(given: scope.region, expected: region, isPresigned: isPresigned)
        }
        guard Name(scope.service) == Name(service) else {
            let reason = "incorrect service \"\(scope.service)\". This endpoint belongs to \"\(service)\"."
            throw isPresigned ? .malformedQuery(reason: reason) : .malformedHeader(reason: reason)
        }
    }

    private func time(
        of request: RequestFacts, _ target: RequestTarget, _ authorization: Authorization
    ) throws(SignatureError) -> SigningTime {
        switch authorization.place {
        case .query, .legacyQuery:
            guard let time = target.first("X-Amz-Date").flatMap({ SigningTime($0) }) else {
                throw .malformedQuery(reason: "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
            }
            // text: days are digits
            guard time.day == authorization.scope.day else {
                throw .malformedQuery(
                    reason:
                        "Invalid credential date \"\(authorization.scope.day)\". This date is not the same as X-Amz-Date."
                )
            }
            return time
        case .header:
            let given = request.first("x-amz-date")
            let fallback = given == nil ? request.dateSeconds.map { SigningTime(seconds: $0) } : nil
            guard let time = given.flatMap({ SigningTime($0) }) ?? fallback else { throw .missingDate }
            // text: days are digits
            guard time.day == authorization.scope.day else {
                throw .malformedHeader(
                    reason:
                        "Invalid credential date \"\(authorization.scope.day)\". This date is not the same as X-Amz-Date."
                )
            }
            return time
        }
    }

    private func payload(of request: RequestFacts, _ place: Authorization.Place) throws(SignatureError) -> PayloadForm {
        guard let given = request.first("x-amz-content-sha256") ?? request.payloadDigest else {
            guard place != .header else { throw .missingPayloadHash }
            return .unsigned
        }
        guard let form = PayloadForm(given) else { throw .malformedPayloadHash }
        return form
    }

    /// Host and every x-amz-* header must be signed, and no signed header may be missing.
    private func checkCoverage(_ authorization: Authorization, _ request: RequestFacts) throws(SignatureError) {
        let signed = Set(authorization.signedHeaders.map { Name($0) })
        var missing: [Name] = signed.contains("host") ? [] : ["host"]
        for field in request.fields where field.name.hasBytePrefix("x-amz-") && !signed.contains(Name(field.name)) {
            if !missing.contains(Name(field.name)) { missing.append(Name(field.name)) }
        }
        guard missing.isEmpty else { throw .unsignedHeaders(missing.map(\.text)) }
    }

    private func checkTime(_ time: SigningTime, _ authorization: Authorization) throws(SignatureError) {
        let now = now()
        switch authorization.place {
        case .header:
            guard abs(now - time.seconds) <= Self.allowedSkewSeconds else {
                throw .skewed(requestSeconds: time.seconds, serverSeconds: now)
            }
        case .query(let expirySeconds):
            guard time.seconds <= now + Self.allowedSkewSeconds else { throw .notYetValid }
            guard now <= time.seconds + expirySeconds else {
                throw .expired(atSeconds: time.seconds + expirySeconds, serverSeconds: now)
            }
        case .legacyQuery: preconditionFailure("a legacy URL is verified by itself")
        }
    }
}
