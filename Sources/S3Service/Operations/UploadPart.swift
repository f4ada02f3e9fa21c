import Digests
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "UploadPart", Amazon S3 API Reference.
    func uploadPart(_ request: S3Request) async throws(S3Error) -> Answer {
        let (number, upload) = try openUpload(of: request)
        var intake = try BodyIntake(request, keeping: upload.checksumAlgorithm)
        let body = try await intake.receive(.part, by: self)
        let part = try await asking { () async throws(EngineError) in
            try await engine.putPart(number, of: upload, blob: body.blob, etag: body.etag, checksums: body.checksums)
        }
        let checksums = body.checksums.isEmpty ? [body.blob.crc64nvme] : body.checksums
        return Answer(fields: [("etag", part.etag.quoted)] + checksums.map { ($0.algorithm.headerName, $0.text) })
    }

    /// Source: "UploadPartCopy", Amazon S3 API Reference. A part is read from the source and stored as its own.
    func uploadPartCopy(_ request: S3Request) async throws(S3Error) -> Answer {
        let (number, upload) = try openUpload(of: request)
        let (source, _) = try openCopySource(of: request)
        let range = try Self.copyRange(request, source.record.sizeBytes)
        let digests = DigestSet([.md5] + (upload.checksumAlgorithm?.digest.map { [$0] } ?? []))
        let blob = try asking { () throws(EngineError) in
            let writer = try engine.beginBlob(expectedSizeBytes: UInt64(range.count), purpose: .part)
            var reader = source.reader(range)
            while let chunk = try reader.next() {
                try chunk.withBytes { bytes throws(EngineError) in
                    digests.update(bytes)
                    try writer.append(bytes)
                }
            }
            return try writer.finish()
        }
        let values = digests.finalize()
        guard let md5 = values[.md5] else { preconditionFailure("the MD5 of every part is computed") }
        var checksums: [Checksum] = []
        if let algorithm = upload.checksumAlgorithm {
            checksums =
                algorithm.digest.map { digest in values[digest].map { [Checksum(algorithm, bytes: $0)] } ?? [] } ?? [
                    blob.crc64nvme
                ]
        }
        let part = try await asking { [checksums] () async throws(EngineError) in
            try await engine.putPart(number, of: upload, blob: blob, etag: ETag(md5: md5), checksums: checksums)
        }
        return copyAnswer("CopyPartResult", part.etag, part.modifiedMilliseconds, part.checksums)
    }

    private func openUpload(of request: S3Request) throws(S3Error) -> (PartNumber, UploadRecord) {
        let key = try request.key()
        let number: PartNumber
        do { number = try PartNumber(request.query.first("partNumber") ?? "") } catch { throw S3Error(error) }
        let bucket = try bucket(of: request)
        let id = try request.uploadID()
        let upload = try asking { () throws(EngineError) in try engine.upload(id, of: key, in: bucket) }
        return (number, upload)
    }

    /// `bytes=first-last`, both stated and within the source.
    private static func copyRange(_ request: S3Request, _ sizeBytes: UInt64) throws(S3Error) -> Range<UInt64> {
        guard let header = request.first("x-amz-copy-source-range") else { return 0..<sizeBytes }
        guard case .bounded(let first, let last)? = ByteRange(header: header) else {
            throw S3Error(
                .invalidArgument,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
                    + "the zero-based offsets of the first and last bytes to copy",
                details: [("ArgumentName", "x-amz-copy-source-range"), ("ArgumentValue", header)])
        }
        guard last < sizeBytes else {
            throw S3Error(
                .invalidArgument, "Range specified is not valid for source object of size: \(sizeBytes)",
                details: [("ArgumentName", "x-amz-copy-source-range"), ("ArgumentValue", header)])
        }
        return first..<(last + 1)
    }
}
