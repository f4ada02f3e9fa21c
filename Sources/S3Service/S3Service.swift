import Digests
package import HTTPKernel
package import Logging
import NIOCore
import NIOHTTP1
import Names
package import ObjectEngine
import S3Types
import S3Wire
import SigV4
import Synchronization
import Telemetry

/// Answers S3 requests from an engine: who asks, what for, and what comes of it. Knows no socket.
///
/// ``handle(_:_:)`` runs on the engine's threads, one task a request, and may block there.
package final class S3Service: Sendable {
    package let engine: StorageEngine
    package let configuration: S3ServiceConfiguration
    let logger: Logger

    /// Large documents, whoever sends them.
    let documents = DocumentTurns()
    private let verifier: SignatureVerifier
    private let hostID: String
    private let isDraining = Atomic<Bool>(false)
    /// Two followers at a time: a quarter of the engine's threads at their fewest.
    let feedTurns = Turns(count: 2)

    package init(engine: StorageEngine, configuration: S3ServiceConfiguration, logger: Logger) {
        self.engine = engine
        self.configuration = configuration
        self.logger = logger
        let accessKey = configuration.accessKey
        let secret = configuration.secret
        let now = configuration.now
        self.verifier = SignatureVerifier(
            region: configuration.region, secret: { Name($0) == Name(accessKey) ? secret : nil }, now: { now() / 1000 })
        self.hostID = base64((0..<24).map { _ in UInt8.random(in: 0...255) })
    }

    /// Lets answers that have no end come to one; everything else is answered as before.
    package func drain() { isDraining.store(true, ordering: .relaxed) }

    /// Answers one request.
    ///
    /// - Throws: when an answer that was begun cannot be ended; the connection is then cut.
    package func handle(_ exchange: StreamedRequest, _ writer: ResponseWriter) async throws {
        let started = ContinuousClock.now
        let requestID = Self.requestID()
        let sender = AnswerSender(writer: writer, commonFields: commonFields(requestID: requestID))
        var record = AccessRecord(requestID: requestID, exchange: exchange)
        let answer: Answer
        let share: MemoryShare
        do throws(S3Error) {
            let request = try authenticate(exchange)
            record.operation = request.operation
            try admit(request)
            let made = try await carryOut(request)
            share = try made.admitted(to: exchange.shares, isOfChange: !request.entry.isRead)
            answer = made
        } catch {
            answer = refusal(error, record)
            share = MemoryShare(nil)
            record.error = error.code
            record.refused = error.refusedPart
        }
        record.status = answer.status
        do {
            record.sentBytes = try await sender.send(
                answer, share: share, isDraining: { isDraining.load(ordering: .relaxed) })
        } catch {
            record.isCut = true
            record.write(to: logger, duration: .now - started, cause: error)
            throw error
        }
        record.write(to: logger, duration: .now - started, cause: nil)
    }

    /// The answer to a request that could not even be read.
    package func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        let requestID = Self.requestID()
        let refusal = S3Error(error)
        let resource = head.map { String($0.target.bytePrefix(upTo: "?")) } ?? "/"
        let fields =
            commonFields(requestID: requestID) + [("content-type", "application/xml")] + refusal.code.waitingFields
        let document = refusal.document(resource: resource, requestID: requestID, hostID: hostID)
        return Response(
            ResponseHead(HTTPResponseStatus(statusCode: refusal.code.status), fields), body: ByteBuffer(bytes: document)
        )
    }

    // MARK: Who asks

    private func authenticate(_ exchange: StreamedRequest) throws(S3Error) -> S3Request {
        let head = exchange.head
        let method = head.method.rawValue
        var fields = Self.fields(of: head)
        let host = fields.first { $0.name == "host" }?.value
        let facts = RequestFacts(
            method: method, target: head.target, fields: fields,
            dateSeconds: fields.first { $0.name == "date" }.flatMap { WireTime.seconds(httpDate: $0.value) },
            hostedBucket: S3Address.hostedBucket(host: host, domains: configuration.domains))
        let signature: VerifiedSignature
        do { signature = try verifier.verify(facts) } catch { throw S3Error(error) }
        exchange.connection.noteVerified()
        let address = try S3Address(signature.target, host: host, domains: configuration.domains)
        let isPresigned = signature.place != .header
        if isPresigned { Self.hoist(address.query, into: &fields) }
        let isCopy = fields.contains { $0.name == "x-amz-copy-source" }
        let entry = try OperationTable.entry(
            method: method, address: address, isCopy: isCopy, isPresigned: isPresigned)
        return S3Request(
            entry: entry, method: method, address: address, fields: fields, signature: signature,
            contentLength: head.contentLength, body: exchange.body, shares: exchange.shares)
    }

    /// The request's fields, names in lower case, in one pass over their bytes.
    private static func fields(of head: RequestHead) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(12)
        head.forEachField { name, value in
            unsafe fields.append(
                (lowercased(name), value.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }))
        }
        return fields
    }

    /// What a presigned URL says of its signature.
    private static let ownParameters = [
        "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
        "x-amz-security-token", "x-amz-content-sha256",
    ]

    /// A presigned URL may carry `x-amz-` headers as parameters: they are signed with the rest of the query.
    private static func hoist(_ query: QueryParameters, into fields: inout [(name: String, value: String)]) {
        // A header that was sent stands for the parameter; a parameter that comes twice is for the entry to refuse.
        let sentCount = fields.count
        for item in query.items {
            let name = item.name.asciiLowercased()
            guard name.hasBytePrefix("x-amz-"), !ownParameters.contains(where: { Name($0) == Name(name) }),
                !fields.prefix(sentCount).contains(where: { Name($0.name) == Name(name) })
            else {
                continue
            }
            fields.append((name, item.value))
        }
    }

    // MARK: What for

    /// Holds the request's headers to what its operation takes, and its buckets to the owner that it expects.
    private func admit(_ request: S3Request) throws(S3Error) {
        try request.entry.check(request.fields)
        for field in request.fields
        where field.name == "x-amz-expected-bucket-owner" || field.name == "x-amz-source-expected-bucket-owner" {
            guard field.value.hasSameBytes(as: configuration.owner.id) else {
                throw S3Error(.accessDenied, details: [("Header", field.name)])
            }
        }
    }

    private func carryOut(_ request: S3Request) async throws(S3Error) -> Answer {
        switch request.operation {
        case .listBuckets: try listBuckets(request)
        case .createBucket: try await createBucket(request)
        case .headBucket: try headBucket(request)
        case .deleteBucket: try await deleteBucket(request)
        case .getBucketLocation: try getBucketLocation(request)
        case .getBucketVersioning: try getBucketVersioning(request)
        case .listObjects: try listObjects(request)
        case .listObjectsV2: try listObjectsV2(request)
        case .listMultipartUploads: try listMultipartUploads(request)
        case .listenNotification: try listenNotification(request)
        case .deleteObjects: try await deleteObjects(request)
        case .getObject: try getObject(request)
        case .headObject: try headObject(request)
        case .putObject: try await putObject(request)
        case .copyObject: try await copyObject(request)
        case .deleteObject: try await deleteObject(request)
        case .createMultipartUpload: try await createMultipartUpload(request)
        case .uploadPart: try await uploadPart(request)
        case .uploadPartCopy: try await uploadPartCopy(request)
        case .completeMultipartUpload: try await completeMultipartUpload(request)
        case .abortMultipartUpload: try await abortMultipartUpload(request)
        case .listParts: try listParts(request)
        }
    }

    /// The bucket that a request names, as it is now.
    func bucket(of request: S3Request) throws(S3Error) -> BucketRecord {
        let name = try request.bucketName()
        return try asking { () throws(EngineError) in try engine.bucket(name) }
    }

    /// Asks the engine, and turns its refusal into the client's. What an operator must know of is logged.
    func asking<Result: ~Copyable>(_ body: () throws(EngineError) -> Result) throws(S3Error) -> Result {
        do throws(EngineError) { return try body() } catch { throw refused(error) }
    }

    func asking<Result: ~Copyable>(_ body: () async throws(EngineError) -> Result) async throws(S3Error) -> Result {
        do throws(EngineError) { return try await body() } catch { throw refused(error) }
    }

    func refused(_ error: EngineError) -> S3Error {
        let refusal = S3Error(error)
        if refusal.code == .internalError { logger.error("the engine failed", metadata: [LogKey.error: "\(error)"]) }
        return refusal
    }

    // MARK: Refusals

    private func refusal(_ error: S3Error, _ record: AccessRecord) -> Answer {
        let status = HTTPResponseStatus(statusCode: error.code.status)
        if record.method == "HEAD" || error.code == .notModified {
            return Answer(status, fields: error.code.waitingFields)
        }
        let document = error.document(resource: record.resource, requestID: record.requestID, hostID: hostID)
        return Answer(
            status, fields: [("content-type", "application/xml")] + error.code.waitingFields, body: .bytes(document))
    }

    private func commonFields(requestID: String) -> [(String, String)] {
        [("server", "Lodestore"), ("x-amz-request-id", requestID), ("x-amz-id-2", hostID)]
    }

    private static func requestID() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension S3ErrorCode {
    /// What tells a client that it may come back, and when.
    fileprivate var waitingFields: [(String, String)] { status == 503 ? [("retry-after", "1")] : [] }
}

/// A field's name with ASCII letters in lower case.
private func lowercased(_ name: RawSpan) -> String {
    unsafe name.withUnsafeBytes { bytes in
        unsafe String(unsafeUninitializedCapacity: bytes.count) { text in
            for index in 0..<bytes.count {
                let byte = unsafe bytes[index]
                let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                unsafe text[index] = isUpper ? byte | 0x20 : byte
            }
            return bytes.count
        }
    }
}
