import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "CreateMultipartUpload", Amazon S3 API Reference.
    func createMultipartUpload(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let attributes = try request.attributes(owner: configuration.owner)
        let algorithm = try request.checksumAlgorithm("x-amz-checksum-algorithm")
        let type = try Self.checksumType(request, algorithm)
        let upload = try await asking { () async throws(EngineError) in
            try await engine.createUpload(
                key, in: bucket, attributes: attributes, checksumAlgorithm: algorithm, checksumType: type)
        }
        var fields: [(String, String)] = []
        if let algorithm { fields.append(("x-amz-checksum-algorithm", algorithm.rawValue)) }
        if let type { fields.append(("x-amz-checksum-type", type.rawValue)) }
        var xml = XMLWriter(root: "InitiateMultipartUploadResult")
        xml.element("Bucket", bucket.name.text)
        xml.element("Key", key.text)
        xml.element("UploadId", upload.id.text)
        return Answer(fields: fields, document: xml)
    }

    /// Which type of checksum the object will have. Source: "Checking object integrity", Amazon S3 User Guide: CRC64NVME is
    /// always of the full object, the SHAs always composite, the other CRCs composite unless the client says otherwise.
    private static func checksumType(_ request: S3Request, _ algorithm: ChecksumAlgorithm?) throws(S3Error)
        -> ChecksumType?
    {
        let asked = request.first("x-amz-checksum-type")
        guard let algorithm else {
            guard asked == nil else {
                throw S3Error(
                    .invalidRequest,
                    "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
            }
            return nil
        }
        let type: ChecksumType
        switch asked?.asciiUppercased() {
        case nil: type = algorithm == .crc64nvme ? .fullObject : .composite
        case ChecksumType.fullObject.rawValue: type = .fullObject
        case ChecksumType.composite.rawValue: type = .composite
        default: throw S3Error(.invalidRequest, "Value for x-amz-checksum-type header is invalid.")
        }
        let isPossible = type == .fullObject ? algorithm.isLinear : algorithm != .crc64nvme
        guard isPossible else {
            throw S3Error(
                .invalidRequest,
                "The \(type.rawValue) checksum type cannot be used with the \(algorithm.rawValue.asciiLowercased()) checksum algorithm."
            )
        }
        return type
    }
}
