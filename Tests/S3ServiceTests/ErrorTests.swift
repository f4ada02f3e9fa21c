import DurableFiles
import HTTPKernel
import RocksKit
import S3Types
import S3Wire
import SigV4
import Testing

@testable import ObjectEngine
@testable import S3Service

/// Every error of the layers below has its S3 error.
///
/// Each walk goes from case to case by a switch without a default, so that a new case does not compile until it has its place and its
/// code here.
@Suite(.timeLimit(.minutes(3))) struct ErrorTests {
    private typealias Row<Failure> = (error: Failure, code: S3ErrorCode)

    /// All the rows of a walk.
    private func rows<Failure>(_ next: (Failure?) throws -> Row<Failure>?) rethrows -> [Row<Failure>] {
        var rows: [Row<Failure>] = []
        while let row = try next(rows.last?.error) {
            rows.append(row)
            precondition(rows.count < 100, "the walk comes back to where it was")
        }
        return rows
    }

    @Test func everyEngineErrorHasItsCode() throws {
        let walk = try rows(Self.next(after:) as (EngineError?) throws -> Row<EngineError>?)
        for (error, code) in walk {
            #expect(S3Error(error).code == code, "\(error)")
            #expect(S3Error(error).message.isEmpty == false)
        }
        #expect(walk.count >= 25)
        let statuses: [(S3ErrorCode, Int)] = [
            (.noSuchBucket, 404), (.bucketAlreadyOwnedByYou, 409), (.bucketNotEmpty, 409), (.noSuchKey, 404),
            (.preconditionFailed, 412), (.noSuchUpload, 404), (.invalidPart, 400), (.invalidPartOrder, 400),
            (.entityTooSmall, 400), (.badDigest, 400), (.invalidRequest, 400), (.serviceUnavailable, 503),
            (.feedCursorExpired, 410), (.internalError, 500), (.insufficientStorage, 507),
        ]
        for (code, status) in statuses { #expect(code.status == status, "\(code)") }
    }

    private static func next(after error: EngineError?) throws -> Row<EngineError>? {
        let bucket = try BucketName("models")
        let id = UploadID(bytes: [UInt8](repeating: 1, count: 16))
        let part = try PartNumber(7)
        switch error {
        case nil: return (.noSuchBucket(bucket), .noSuchBucket)
        case .noSuchBucket:
            let record = BucketRecord(
                id: BucketID(1), name: bucket, owner: "o", tenant: "t", region: "r", createdMilliseconds: 0)
            return (.bucketExists(record), .bucketAlreadyOwnedByYou)
        case .bucketExists: return (.bucketNotEmpty(bucket), .bucketNotEmpty)
        case .bucketNotEmpty: return (.noSuchKey(try ObjectKey("k")), .noSuchKey)
        case .noSuchKey: return (.preconditionFailed(.ifMatch), .preconditionFailed)
        case .preconditionFailed(.ifMatch): return (.preconditionFailed(.ifNoneMatch), .preconditionFailed)
        case .preconditionFailed(.ifNoneMatch): return (.noSuchUpload(id), .noSuchUpload)
        case .noSuchUpload: return (.invalidPart(part), .invalidPart)
        case .invalidPart: return (.invalidPartOrder, .invalidPartOrder)
        case .invalidPartOrder: return (.partTooSmall(part, sizeBytes: 1), .entityTooSmall)
        case .partTooSmall: return (.checksumMismatch(.crc32), .badDigest)
        case .checksumMismatch: return (.sizeMismatch(declared: 1, actual: 2), .invalidRequest)
        case .sizeMismatch: return (.sourceChanged, .serviceUnavailable)
        case .sourceChanged: return (.feedCursorExpired, .feedCursorExpired)
        case .feedCursorExpired: return (.cancelled, .serviceUnavailable)
        case .cancelled:
            let shortage = SpaceShortage(directory: "/x", freeBytes: 1, neededBytes: 2)
            return (.insufficientStorage(shortage), .insufficientStorage)
        case .insufficientStorage: return (.recovering, .serviceUnavailable)
        case .recovering: return (.closed, .serviceUnavailable)
        case .closed: return (.damaged(.record(family: "objects", cause: .truncated)), .internalError)
        case .damaged(.record): return (.damaged(.key(family: "objects")), .internalError)
        case .damaged(.key): return (.damaged(.chunk(BlobID(1), index: 2)), .internalError)
        case .damaged(.chunk): return (.damaged(.inline(id: 3)), .internalError)
        case .damaged(.inline): return (.damaged(.file(DirectoryFault("/x", "CURRENT", "missing"))), .internalError)
        case .damaged(.file): return (.damaged(.unfinishedSalvage(directory: "/x")), .internalError)
        case .damaged(.unfinishedSalvage): return (.storage(RocksError(.corruption, "x")), .internalError)
        case .storage(let cause):
            switch cause.kind {
            case .corruption: return (.storage(RocksError(.noSpace, "x")), .insufficientStorage)
            case .noSpace: return (.storage(RocksError(.inputOutput, "x")), .internalError)
            case .inputOutput: return (.storage(RocksError(.other(code: 3), "x")), .internalError)
            case .other: return (.files(FileError(.open, "/x", code: 5)), .internalError)
            }
        case .files: return (.unsupportedFormat(found: 9, supported: 1), .internalError)
        case .unsupportedFormat: return nil
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
        let given = try #require(mismatch)
        for (error, code) in rows({ Self.next(after: $0, mismatch: given) }) {
            #expect(S3Error(error).code == code, "\(error)")
        }
    }

    private static func next(after error: SignatureError?, mismatch: SignatureError) -> Row<SignatureError>? {
        switch error {
        case nil: (.unsigned, .accessDenied)
        case .unsigned: (.ambiguous, .invalidArgument)
        case .ambiguous: (.unsupportedAlgorithm, .invalidRequest)
        case .unsupportedAlgorithm: (.malformedHeader(reason: ""), .authorizationHeaderMalformed)
        case .malformedHeader: (.malformedQuery(reason: ""), .authorizationQueryParametersError)
        case .malformedQuery:
            (.wrongRegion(given: "a", expected: "b", isPresigned: false), .authorizationHeaderMalformed)
        case .wrongRegion(_, _, isPresigned: false):
            (.wrongRegion(given: "a", expected: "b", isPresigned: true), .authorizationQueryParametersError)
        case .wrongRegion: (.malformedTarget, .invalidURI)
        case .malformedTarget: (.unknownAccessKey("A"), .invalidAccessKeyID)
        case .unknownAccessKey: (.missingDate, .accessDenied)
        case .missingDate: (.missingPayloadHash, .invalidRequest)
        case .missingPayloadHash: (.malformedPayloadHash, .invalidArgument)
        case .malformedPayloadHash: (.unsignedHeaders(["a"]), .accessDenied)
        case .unsignedHeaders: (.skewed(requestSeconds: 0, serverSeconds: 1), .requestTimeTooSkewed)
        case .skewed: (.notYetValid, .accessDenied)
        case .notYetValid: (.expired(atSeconds: 0, serverSeconds: 1), .accessDenied)
        case .expired: (mismatch, .signatureDoesNotMatch)
        case .mismatch: nil
        }
    }

    @Test func everyErrorOfABodyInChunksHasItsCode() {
        for (error, code) in rows(Self.next(after:) as (ChunkedBodyError?) -> Row<ChunkedBodyError>?) {
            #expect(S3Error(error).code == code, "\(error)")
        }
    }

    private static func next(after error: ChunkedBodyError?) -> Row<ChunkedBodyError>? {
        switch error {
        case nil: (.malformed(reason: ""), .incompleteBody)
        case .malformed: (.signatureMismatch, .signatureDoesNotMatch)
        case .signatureMismatch: (.chunkTooSmall(sizeBytes: 1), .invalidChunkSize)
        case .chunkTooSmall: (.wrongLength(declaredBytes: 1, decodedBytes: 0), .incompleteBody)
        case .wrongLength: (.malformedTrailer, .malformedTrailer)
        case .malformedTrailer: nil
        }
    }

    @Test func everyErrorOfTheKernelHasItsCode() {
        for (error, code) in rows(Self.next(after:) as (HTTPKernelError?) -> Row<HTTPKernelError>?) {
            #expect(S3Error(error).code == code, "\(error)")
        }
        #expect(S3Error(HTTPKernelError.notImplemented("CONNECT")).message.contains("CONNECT"))
    }

    private static func next(after error: HTTPKernelError?) -> Row<HTTPKernelError>? {
        switch error {
        case nil: (.malformedRequest(reason: ""), .badRequest)
        case .malformedRequest: (.headTooLarge, .requestHeaderSectionTooLarge)
        case .headTooLarge: (.bodyTooLarge(limitBytes: 1), .maxMessageLengthExceeded)
        case .bodyTooLarge: (.noRoom, .slowDown)
        case .noRoom: (.truncatedBody, .incompleteBody)
        case .truncatedBody: (.headTimedOut, .requestTimeout)
        case .headTimedOut: (.bodyTimedOut, .requestTimeout)
        case .bodyTimedOut: (.notImplemented("x"), .notImplemented)
        case .notImplemented: (.unsupportedVersion, .badRequest)
        case .unsupportedVersion: (.handlerFailed(EngineError.closed), .internalError)
        case .handlerFailed: (.noAnswer, .internalError)
        case .noAnswer: (.connectionClosed, .incompleteBody)
        case .connectionClosed: (.wrongSequence(reason: ""), .internalError)
        case .wrongSequence: nil
        }
    }
}
