import HTTPKernel
import ObjectEngine
import S3Types
import S3Wire
import SigV4

// Every error of the layers below, as a client of S3 sees it.

extension S3Error {
    init(_ error: EngineError) {
        switch error {
        case .noSuchBucket(let name): self.init(.noSuchBucket, details: [("BucketName", name.text)])
        case .bucketExists(let bucket): self.init(.bucketAlreadyOwnedByYou, details: [("BucketName", bucket.name.text)])
        case .bucketNotEmpty(let name): self.init(.bucketNotEmpty, details: [("BucketName", name.text)])
        case .noSuchKey(let key): self.init(.noSuchKey, details: [("Key", key.text)])
        case .preconditionFailed(.ifMatch): self.init(.preconditionFailed, details: [("Condition", "If-Match")])
        case .preconditionFailed(.ifNoneMatch): self.init(.preconditionFailed, details: [("Condition", "If-None-Match")])
        case .noSuchUpload(let id): self.init(.noSuchUpload, details: [("UploadId", id.text)])
        case .invalidPart(let number): self.init(.invalidPart, details: [("PartNumber", String(number.value))])
        case .invalidPartOrder: self.init(.invalidPartOrder)
        case .partTooSmall(let number, let sizeBytes):
            self.init(.entityTooSmall, details: [("PartNumber", String(number.value)), ("ProposedSize", String(sizeBytes))])
        case .checksumMismatch(let algorithm):
            self.init(.badDigest, "The \(algorithm.rawValue) you specified did not match the calculated checksum.")
        case .sizeMismatch(let declared, let actual):
            self.init(
                .invalidRequest, "The provided 'x-amz-mp-object-size' header value \(declared) does not match what was computed: \(actual)")
        case .feedCursorExpired: self.init(.feedCursorExpired)
        case .sourceChanged, .cancelled, .closed: self.init(.serviceUnavailable)
        case .damaged, .storage, .files, .unsupportedFormat: self.init(.internalError)
        }
    }

    init(_ error: SignatureError) {
        switch error {
        case .unsigned: self.init(.accessDenied)
        case .ambiguous:
            self.init(
                .invalidArgument,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
                    + "the Authorization header should be specified", details: [("ArgumentName", "Authorization")])
        case .unsupportedAlgorithm:
            self.init(
                .invalidRequest, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
        case .malformedHeader(let reason):
            self.init(.authorizationHeaderMalformed, "The authorization header is malformed; \(reason)")
        case .malformedQuery(let reason): self.init(.authorizationQueryParametersError, reason)
        case .wrongRegion(let given, let expected, let isPresigned):
            self.init(
                isPresigned ? .authorizationQueryParametersError : .authorizationHeaderMalformed,
                "The authorization header is malformed; the region '\(given)' is wrong; expecting '\(expected)'",
                details: [("Region", expected)])
        case .malformedTarget: self.init(.invalidURI)
        case .unknownAccessKey(let key): self.init(.invalidAccessKeyID, details: [("AWSAccessKeyId", key)])
        case .missingDate: self.init(.accessDenied, "AWS authentication requires a valid Date or x-amz-date header")
        case .missingPayloadHash: self.init(.invalidRequest, "Missing required header for this request: x-amz-content-sha256")
        case .malformedPayloadHash:
            self.init(
                .invalidArgument,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                    + "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                details: [("ArgumentName", "x-amz-content-sha256")])
        case .unsignedHeaders(let names):
            self.init(
                .accessDenied, "There were headers present in the request which were not signed",
                details: [("HeadersNotSigned", names.joined(separator: ", "))])
        case .skewed(let request, let server):
            self.init(
                .requestTimeTooSkewed,
                details: [
                    ("RequestTime", WireTime.iso8601(milliseconds: request * 1000)),
                    ("ServerTime", WireTime.iso8601(milliseconds: server * 1000)),
                    ("MaxAllowedSkewMilliseconds", String(SignatureVerifier.allowedSkewSeconds * 1000)),
                ])
        case .notYetValid: self.init(.accessDenied, "Request is not yet valid")
        case .expired(let at, let server):
            self.init(
                .accessDenied, "Request has expired",
                details: [
                    ("Expires", WireTime.iso8601(milliseconds: at * 1000)), ("ServerTime", WireTime.iso8601(milliseconds: server * 1000)),
                ])
        case .mismatch(let facts):
            self.init(
                .signatureDoesNotMatch,
                details: [
                    ("AWSAccessKeyId", facts.accessKey), ("StringToSign", facts.stringToSign),
                    ("SignatureProvided", facts.givenSignature), ("CanonicalRequest", facts.canonicalRequest),
                ])
        }
    }

    init(_ error: ChunkedBodyError) {
        switch error {
        case .malformed(let reason): self.init(.incompleteBody, "The request body is malformed: \(reason)")
        case .signatureMismatch: self.init(.signatureDoesNotMatch)
        case .chunkTooSmall(let sizeBytes): self.init(.invalidChunkSize, details: [("ProposedSize", String(sizeBytes))])
        case .wrongLength(let declared, let decoded):
            self.init(
                .incompleteBody, details: [("NumberBytesExpected", String(declared)), ("NumberBytesProvided", String(decoded))])
        case .malformedTrailer: self.init(.malformedTrailer)
        }
    }

    init(_ error: HTTPKernelError) {
        switch error {
        case .malformedRequest, .unsupportedVersion: self.init(.badRequest, "\(error)")
        case .headTooLarge: self.init(.requestHeaderSectionTooLarge)
        case .bodyTooLarge(let limitBytes):
            self.init(.maxMessageLengthExceeded, details: [("MaxMessageLengthBytes", String(limitBytes))])
        case .truncatedBody, .connectionClosed: self.init(.incompleteBody)
        case .headTimedOut, .bodyTimedOut: self.init(.requestTimeout)
        case .notImplemented: self.init(.notImplemented)
        case .handlerFailed, .noAnswer, .wrongSequence: self.init(.internalError)
        }
    }
}
