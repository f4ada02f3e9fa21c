import DurableFiles
import HTTPKernel
import ObjectEngine
import RocksKit
import S3Types
import S3Wire
import SigV4
import Testing

@testable import S3Service

/// Every error of the layers below has its S3 error. The switches have no default: a new case does not compile until it is here.
struct ErrorTests {
    @Test func everyEngineErrorHasItsCode() throws {
        let bucket = try BucketName("models")
        let key = try ObjectKey("k")
        let id = UploadID(bytes: [UInt8](repeating: 1, count: 16))
        let part = try PartNumber(7)
        let table: [(EngineError, S3ErrorCode, Int)] = [
            (.noSuchBucket(bucket), .noSuchBucket, 404), (.bucketNotEmpty(bucket), .bucketNotEmpty, 409),
            (.noSuchKey(key), .noSuchKey, 404),
            (.preconditionFailed(.ifMatch), .preconditionFailed, 412),
            (.preconditionFailed(.ifNoneMatch), .preconditionFailed, 412),
            (.noSuchUpload(id), .noSuchUpload, 404), (.invalidPart(part), .invalidPart, 400),
            (.invalidPartOrder, .invalidPartOrder, 400),
            (.partTooSmall(part, sizeBytes: 1), .entityTooSmall, 400), (.checksumMismatch(.crc32), .badDigest, 400),
            (.sizeMismatch(declared: 1, actual: 2), .invalidRequest, 400), (.sourceChanged, .serviceUnavailable, 503),
            (.feedCursorExpired, .feedCursorExpired, 410), (.cancelled, .serviceUnavailable, 503),
            (.closed, .serviceUnavailable, 503), (.recovering, .serviceUnavailable, 503),
            (
                .insufficientStorage(SpaceShortage(directory: "/x", freeBytes: 1, neededBytes: 2)),
                .insufficientStorage, 507
            ),
            (.storage(RocksError(.noSpace, "No space left on device")), .insufficientStorage, 507),
            (.storage(RocksError(.inputOutput, "EIO")), .internalError, 500),
            (.damaged(.key(family: "objects")), .internalError, 500),
            (.files(FileError(.open, "/x", code: 5)), .internalError, 500),
            (.unsupportedFormat(found: 9, supported: 1), .internalError, 500),
        ]
        for (error, code, status) in table {
            #expect(S3Error(error).code == code, "\(error)")
            #expect(code.status == status)
        }
    }

    @Test func internalErrorsTellTheClientNothing() {
        let error = S3Error(EngineError.files(FileError(.open, "/secret/path", code: 5)))
        #expect(error.message == S3ErrorCode.internalError.message)
        #expect(error.details.isEmpty)
    }

    @Test func everySignatureErrorHasItsCode() throws {
        let signer = RequestSigner(accessKey: "A", secret: Secret("guess"), region: "r")
        let fields = try signer.sign(
            method: "GET", target: "/", fields: [("host", "h")], payload: .unsigned, atSeconds: 0)
        let verifier = SignatureVerifier(region: "r", secret: { _ in Secret("secret") }, now: { 0 })
        let mismatch = #expect(throws: SignatureError.self) {
            try verifier.verify(RequestFacts(method: "GET", target: "/", fields: fields))
        }
        let table: [(SignatureError, S3ErrorCode)] = [
            (.unsigned, .accessDenied), (.ambiguous, .invalidArgument), (.unsupportedAlgorithm, .invalidRequest),
            (.malformedHeader(reason: ""), .authorizationHeaderMalformed),
            (.malformedQuery(reason: ""), .authorizationQueryParametersError),
            (.wrongRegion(given: "a", expected: "b", isPresigned: false), .authorizationHeaderMalformed),
            (.wrongRegion(given: "a", expected: "b", isPresigned: true), .authorizationQueryParametersError),
            (.malformedTarget, .invalidURI), (.unknownAccessKey("A"), .invalidAccessKeyID),
            (.missingDate, .accessDenied),
            (.missingPayloadHash, .invalidRequest), (.malformedPayloadHash, .invalidArgument),
            (.unsignedHeaders(["a"]), .accessDenied),
            (.skewed(requestSeconds: 0, serverSeconds: 1), .requestTimeTooSkewed), (.notYetValid, .accessDenied),
            (.expired(atSeconds: 0, serverSeconds: 1), .accessDenied), (try #require(mismatch), .signatureDoesNotMatch),
        ]
        for (error, code) in table { #expect(S3Error(error).code == code, "\(error)") }
    }

    @Test func everyErrorOfABodyInChunksHasItsCode() {
        let table: [(ChunkedBodyError, S3ErrorCode)] = [
            (.malformed(reason: ""), .incompleteBody), (.signatureMismatch, .signatureDoesNotMatch),
            (.chunkTooSmall(sizeBytes: 1), .invalidChunkSize),
            (.wrongLength(declaredBytes: 1, decodedBytes: 0), .incompleteBody), (.malformedTrailer, .malformedTrailer),
        ]
        for (error, code) in table { #expect(S3Error(error).code == code, "\(error)") }
    }

    @Test func everyErrorOfTheKernelHasItsCode() {
        let table: [(HTTPKernelError, S3ErrorCode)] = [
            (.malformedRequest(reason: ""), .badRequest), (.headTooLarge, .requestHeaderSectionTooLarge),
            (.bodyTooLarge(limitBytes: 1), .maxMessageLengthExceeded),
            (.truncatedBody, .incompleteBody), (.headTimedOut, .requestTimeout), (.bodyTimedOut, .requestTimeout),
            (.notImplemented("x"), .notImplemented),
            (.unsupportedVersion, .badRequest), (.handlerFailed(EngineError.closed), .internalError),
            (.noAnswer, .internalError),
            (.connectionClosed, .incompleteBody), (.wrongSequence(reason: ""), .internalError),
        ]
        for (error, code) in table { #expect(S3Error(error).code == code, "\(error)") }
    }
}
