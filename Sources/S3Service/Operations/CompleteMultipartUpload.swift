import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Ten thousand parts with every checksum.
    private static let completionLimitBytes = 8 << 20

    /// Source: "CompleteMultipartUpload", Amazon S3 API Reference.
    func completeMultipartUpload(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let id = try request.uploadID()
        let upload = try asking { () throws(EngineError) in try engine.upload(id, of: key, in: bucket) }
        let preconditions = try request.writePreconditions()
        let declared = try Self.declaredChecksums(request, upload)
        let size = try request.first("x-amz-mp-object-size").map { text throws(S3Error) in
            guard let size = UInt64(digits: text) else {
                throw S3Error(.invalidRequest, "Value for x-amz-mp-object-size header is invalid.")
            }
            return size
        }
        let body = try await request.smallBody(limitBytes: Self.completionLimitBytes, checksumsAreOfObject: true)
        let document = try await documents.read(byteCount: body.count) { () throws(S3Error) in
            try CompleteUploadDocument(body)
        }
        let parts = document.parts.map { CompletedPart(number: $0.number, etag: $0.etag, checksums: $0.checksums) }
        let record = try await asking { () async throws(EngineError) in
            try await engine.completeUpload(
                upload, parts: parts, checksums: declared, expectedSizeBytes: size, preconditions: preconditions)
        }
        var xml = XMLWriter(root: "CompleteMultipartUploadResult")
        xml.element("Location", "/\(bucket.name)/\(PercentEncoding.encode(key.text, keepsSlash: true))")
        xml.element("Bucket", bucket.name.text)
        xml.element("Key", key.text)
        xml.element("ETag", record.etag.quoted)
        xml.checksums(record.shownChecksums)
        return Answer(document: xml)
    }

    /// The whole object's checksums in the request's headers. They are not of its body, which is the list of parts.
    private static func declaredChecksums(_ request: S3Request, _ upload: UploadRecord) throws(S3Error) -> [Checksum] {
        if let type = request.first("x-amz-checksum-type"), let expected = upload.checksumType,
            type.asciiUppercased() != expected.rawValue
        {
            throw S3Error(
                .invalidRequest,
                "The upload was created using the \(expected.rawValue) checksum mode. "
                    + "The complete request must use the same checksum mode.")
        }
        var checksums: [Checksum] = []
        for algorithm in ChecksumAlgorithm.allCases {
            guard let text = request.first(algorithm.headerName) else { continue }
            let value = text.pieces(at: "-", cuts: 1)
            do throws(ValueError) {
                let plain = try Checksum(algorithm, text: value.first.map(String.init) ?? "")
                guard value.count == 2 else {
                    checksums.append(plain)
                    continue
                }
                guard let count = Int(digits: value[1]), (1...Int(PartNumber.limit)).contains(count) else {
                    throw .checksum(algorithm, text)
                }
                checksums.append(Checksum(composite: algorithm, bytes: plain.bytes, partCount: count))
            } catch { throw S3Error(error) }
        }
        return checksums
    }
}
