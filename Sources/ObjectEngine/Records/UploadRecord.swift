package import S3Types

/// A multipart upload in progress.
package struct UploadRecord: Hashable, Sendable {
    static let version: UInt8 = 1

    package let id: UploadID
    package let bucket: BucketRecord
    package let key: ObjectKey
    package let attributes: ObjectAttributes
    package let createdMilliseconds: Int64
    /// What the client asked the object's checksum to be made with.
    package let checksumAlgorithm: ChecksumAlgorithm?
    package let checksumType: ChecksumType?

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version)
        writer.number(createdMilliseconds)
        writer.algorithm(checksumAlgorithm)
        writer.checksumType(checksumType)
        writer.attributes(attributes)
        return writer.bytes
    }
}

extension UploadRecord {
    init(id: UploadID, of key: ObjectKey, in bucket: BucketRecord, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        self.id = id
        self.bucket = bucket
        self.key = key
        self.createdMilliseconds = try reader.signedNumber()
        self.checksumAlgorithm = try reader.algorithm()
        self.checksumType = try reader.checksumType()
        self.attributes = try reader.attributes()
        try reader.finish()
    }
}

/// One uploaded part.
package struct PartRecord: Hashable, Sendable {
    static let version: UInt8 = 1

    package let number: PartNumber
    package let sizeBytes: UInt64
    package let etag: ETag
    package let checksums: [Checksum]
    package let crc64nvme: UInt64
    package let modifiedMilliseconds: Int64
    let extents: [Extent]

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version)
        writer.number(modifiedMilliseconds)
        writer.varint(sizeBytes)
        writer.number(crc64nvme)
        writer.text(etag.text)
        writer.checksums(checksums)
        writer.extents(extents)
        return writer.bytes
    }
}

extension PartRecord {
    init(number: PartNumber, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        self.number = number
        self.modifiedMilliseconds = try reader.signedNumber()
        self.sizeBytes = try reader.varint()
        self.crc64nvme = try reader.number()
        self.etag = try reader.etag()
        self.checksums = try reader.checksums()
        self.extents = try reader.extents()
        guard total(extents.map(\.sizeBytes)) == sizeBytes else { throw .invalid(field: "extents") }
        try reader.finish()
    }
}
