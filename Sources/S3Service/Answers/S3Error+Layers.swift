import HTTPKernel
import ObjectEngine
import S3Types
import S3Wire
import SigV4

// Every error of the layers below, as a client of S3 sees it.
//
// The codes are spelled with their type: where a layer's case has the name of a code, `self.init(.name)` would be the
// initializer itself again.

extension S3Error {
    init(_ error: EngineError) {
        switch error {
        case .noSuchBucket(let name): self.init(S3ErrorCode.noSuchBucket, details: [("BucketName", name.text)])
        case .bucketExists(let bucket):
            self.init(S3ErrorCode.bucketAlreadyOwnedByYou, details: [("BucketName", bucket.name.text)])
        case .bucketNotEmpty(let name): self.init(S3ErrorCode.bucketNotEmpty, details: [("BucketName", name.text)])
        case .noSuchKey(let key): self.init(S3ErrorCode.noSuchKey, details: [("Key", key.text)])
        case .preconditionFailed(.ifMatch):
            self.init(S3ErrorCode.preconditionFailed, details: [("Condition", "If-Match")])
        case .preconditionFailed(.ifNoneMatch):
            self.init(S3ErrorCode.preconditionFailed, details: [("Condition", "If-None-Match")])
        case .noSuchUpload(let id): self.init(S3ErrorCode.noSuchUpload, details: [("UploadId", id.text)])
        case .invalidPart(let number):
            self.init(S3ErrorCode.invalidPart, details: [("PartNumber", String(number.value))])
        case .invalidPartOrder: self.init(S3ErrorCode.invalidPartOrder)
        case .partTooSmall(let number, let sizeBytes):
            self.init(
                S3ErrorCode.entityTooSmall,
                details: [("PartNumber", String(number.value)), ("ProposedSize", String(sizeBytes))])
        case .checksumMismatch(let algorithm):
            self.init(
                S3ErrorCode.badDigest, "The \(algorithm.rawValue) you specified did not match the calculated checksum.")
        case .sizeMismatch(let declared, let actual):
            self.init(
                S3ErrorCode.invalidRequest,
                "The provided 'x-amz-mp-object-size' header value \(declared) does not match what was computed: \(actual)"
            )
        case .feedCursorExpired: self.init(S3ErrorCode.feedCursorExpired)
        case .insufficientStorage(let shortage):
            self.init(
                S3ErrorCode.insufficientStorage,
                "The write does not fit: \(shortage). Reads and deletes go on; writes are taken again when there is room.",
                details: [
                    ("FreeBytes", String(shortage.freeBytes)), ("NeededBytes", String(shortage.neededBytes)),
                ])
        case .storage where error.isFullDisk: self.init(S3ErrorCode.insufficientStorage)
        case .recovering:
            self.init(
                S3ErrorCode.serviceUnavailable,
                "The disk of the store has failed. Writes are taken again when it has recovered; repeat the request then."
            )
        case .sourceChanged, .cancelled, .closed: self.init(S3ErrorCode.serviceUnavailable)
        case .damaged, .storage, .files, .unsupportedFormat: self.init(S3ErrorCode.internalError)
        }
    }

    init(_ error: SignatureError) {
        switch error {
        case .unsigned: self.init(S3ErrorCode.accessDenied)
        case .ambiguous:
            self.init(
                S3ErrorCode.invalidArgument,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
                    + "the Authorization header should be specified", details: [("ArgumentName", "Authorization")])
        case .unsupportedAlgorithm:
            self.init(
                S3ErrorCode.invalidRequest,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
        case .malformedHeader(let reason):
            self.init(S3ErrorCode.authorizationHeaderMalformed, "The authorization header is malformed; \(reason)")
        case .malformedQuery(let reason): self.init(S3ErrorCode.authorizationQueryParametersError, reason)
        case .wrongRegion(let given, let expected, let isPresigned):
            self.init(
                isPresigned ? S3ErrorCode.authorizationQueryParametersError : .authorizationHeaderMalformed,
                "The authorization header is malformed; the region '\(given)' is wrong; expecting '\(expected)'",
                details: [("Region", expected)])
        case .malformedTarget: self.init(S3ErrorCode.invalidURI)
        case .unknownAccessKey(let key): self.init(S3ErrorCode.invalidAccessKeyID, details: [("AWSAccessKeyId", key)])
        case .missingDate:
            self.init(S3ErrorCode.accessDenied, "AWS authentication requires a valid Date or x-amz-date header")
        case .missingPayloadHash:
            self.init(S3ErrorCode.invalidRequest, "Missing required header for this request: x-amz-content-sha256")
        case .malformedPayloadHash:
            self.init(
                S3ErrorCode.invalidArgument,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                    + "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                details: [("ArgumentName", "x-amz-content-sha256")])
        case .unsignedHeaders(let names):
            self.init(
                S3ErrorCode.accessDenied, "There were headers present in the request which were not signed",
                details: [("HeadersNotSigned", names.joined(separator: ", "))])
        case .skewed(let request, let server):
            self.init(
                S3ErrorCode.requestTimeTooSkewed,
                details: [
                    ("RequestTime", WireTime.iso8601(milliseconds: request * 1000)),
                    ("ServerTime", WireTime.iso8601(milliseconds: server * 1000)),
                    ("MaxAllowedSkewMilliseconds", String(SignatureVerifier.allowedSkewSeconds * 1000)),
                ])
        case .notYetValid: self.init(S3ErrorCode.accessDenied, "Request is not yet valid")
        case .expired(let at, let server):
            self.init(
                S3ErrorCode.accessDenied, "Request has expired",
                details: [
                    ("Expires", WireTime.iso8601(milliseconds: at * 1000)),
                    ("ServerTime", WireTime.iso8601(milliseconds: server * 1000)),
                ])
        case .mismatch(let facts):
            self.init(
                S3ErrorCode.signatureDoesNotMatch,
                details: [
                    ("AWSAccessKeyId", facts.accessKey), ("StringToSign", facts.stringToSign),
                    ("SignatureProvided", facts.givenSignature), ("CanonicalRequest", facts.canonicalRequest),
                ])
        }
    }

    init(_ error: ChunkedBodyError) {
        switch error {
        case .malformed(let reason): self.init(S3ErrorCode.incompleteBody, "The request body is malformed: \(reason)")
        case .signatureMismatch: self.init(S3ErrorCode.signatureDoesNotMatch)
        case .chunkTooSmall(let sizeBytes):
            self.init(S3ErrorCode.invalidChunkSize, details: [("ProposedSize", String(sizeBytes))])
        case .wrongLength(let declared, let decoded):
            self.init(
                S3ErrorCode.incompleteBody,
                details: [("NumberBytesExpected", String(declared)), ("NumberBytesProvided", String(decoded))])
        case .malformedTrailer: self.init(S3ErrorCode.malformedTrailer)
        }
    }

    init(_ error: HTTPKernelError) {
        switch error {
        case .malformedRequest, .unsupportedVersion: self.init(S3ErrorCode.badRequest, "\(error)")
        case .headTooLarge: self.init(S3ErrorCode.requestHeaderSectionTooLarge)
        case .bodyTooLarge(let limitBytes):
            self.init(S3ErrorCode.maxMessageLengthExceeded, details: [("MaxMessageLengthBytes", String(limitBytes))])
        case .noRoom: self.init(S3ErrorCode.slowDown)
        case .truncatedBody, .connectionClosed: self.init(S3ErrorCode.incompleteBody)
        case .headTimedOut, .bodyTimedOut: self.init(S3ErrorCode.requestTimeout)
        case .notImplemented: self.init(S3ErrorCode.notImplemented, "\(error)")
        case .handlerFailed, .noAnswer, .wrongSequence: self.init(S3ErrorCode.internalError)
        }
    }
}
