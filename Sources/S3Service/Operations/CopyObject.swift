import Digests
import NIOHTTP1
import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// How often a copy begins anew because its source changed meanwhile.
    private static let copyAttemptLimit = 8

    /// Source: "CopyObject", Amazon S3 API Reference. The bytes are shared and not copied.
    func copyObject(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let directive = try CopyDirective(request)
        let preconditions = try request.writePreconditions()
        for _ in 0..<Self.copyAttemptLimit {
            let (source, sourceBucket) = try openCopySource(of: request)
            guard source.record.sizeBytes <= BodyIntake.limitBytes else {
                throw S3Error(
                    .invalidRequest,
                    "The specified copy source is larger than the maximum allowable size for a copy source: "
                        + String(BodyIntake.limitBytes))
            }
            if sourceBucket.id == bucket.id, source.key == key, case .copy = directive {
                throw S3Error(
                    .invalidRequest,
                    "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                        + "metadata, storage class, website redirect location or encryption attributes.")
            }
            let attributes =
                switch directive {
                case .copy: source.record.attributes
                case .replace: try request.attributes(owner: configuration.owner)
                }
            let checksums = try copiedChecksums(request, source)
            do throws(EngineError) {
                let record = try await engine.copyObject(
                    from: source, to: key, in: bucket, attributes: attributes, checksums: checksums,
                    preconditions: preconditions)
                return copyAnswer("CopyObjectResult", record.etag, record.modifiedMilliseconds, record.shownChecksums)
            } catch .sourceChanged {
                continue
            } catch { throw refused(error) }
        }
        throw S3Error(.serviceUnavailable)
    }

    /// The source that a copy names, after its conditions hold.
    ///
    /// - Throws: PreconditionFailed when one does not.
    func openCopySource(of request: S3Request) throws(S3Error) -> (source: ObjectHandle, bucket: BucketRecord) {
        let named = try CopySource(header: request.first("x-amz-copy-source") ?? "")
        try request.checkVersion(named.versionID)
        let bucket = try asking { () throws(EngineError) in try engine.bucket(named.bucket) }
        let source = try asking { () throws(EngineError) in try engine.object(named.key, in: bucket) }
        switch try ReadConditions(request, prefix: "x-amz-copy-source-").verdict(on: source.record) {
        case .holds: return (source, bucket)
        case .failed(let condition):
            throw S3Error(.preconditionFailed, details: [("Condition", "x-amz-copy-source-" + condition)])
        case .notModified:
            throw S3Error(.preconditionFailed, details: [("Condition", "x-amz-copy-source-If-None-Match")])
        }
    }

    func copyAnswer(_ root: String, _ etag: ETag, _ modifiedMilliseconds: Int64, _ checksums: [Checksum]) -> Answer {
        var xml = XMLWriter(root: root)
        xml.element("LastModified", WireTime.iso8601(milliseconds: modifiedMilliseconds))
        xml.element("ETag", etag.quoted)
        xml.checksums(checksums)
        return Answer(document: xml)
    }

    /// Nil to keep the source's; another algorithm that the client asks for is computed from the bytes.
    private func copiedChecksums(_ request: S3Request, _ source: ObjectHandle) throws(S3Error) -> [Checksum]? {
        guard let algorithm = try request.checksumAlgorithm("x-amz-checksum-algorithm") else { return nil }
        let kept = source.record.shownChecksums.first
        if kept?.algorithm == algorithm, kept?.type == .fullObject { return kept.map { [$0] } }
        guard let digest = algorithm.digest else { return [source.record.crc64nvmeChecksum] }
        let digests = DigestSet([digest])
        var reader = source.reader
        try asking { () throws(EngineError) in
            while let chunk = try reader.next() { chunk.withBytes { digests.update($0) } }
        }
        return digests.finalize()[digest].map { [Checksum(algorithm, bytes: $0)] }
    }
}

/// Whether a copy keeps what the source says of itself.
private enum CopyDirective {
    case copy, replace

    init(_ request: S3Request) throws(S3Error) {
        switch request.first("x-amz-metadata-directive") {
        case nil, "", "COPY": self = .copy
        case "REPLACE": self = .replace
        case let other?:
            throw S3Error(
                .invalidArgument, "Unknown metadata directive.",
                details: [("ArgumentName", "x-amz-metadata-directive"), ("ArgumentValue", other)])
        }
    }
}

extension S3Request {
    /// The algorithm that a header names.
    ///
    /// - Throws: InvalidRequest for one that this store does not know.
    func checksumAlgorithm(_ header: String) throws(S3Error) -> ChecksumAlgorithm? {
        guard let text = first(header), !text.isEmpty else { return nil }
        guard let algorithm = ChecksumAlgorithm(rawValue: text.asciiUppercased()) else {
            throw S3Error(
                .invalidRequest,
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                    + "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
        }
        return algorithm
    }
}
