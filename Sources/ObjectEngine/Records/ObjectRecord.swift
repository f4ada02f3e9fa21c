package import S3Types

/// All that is kept of an object beside its bytes: the value of the `objects` family.
package struct ObjectRecord: Hashable, Sendable {
    static let version: UInt8 = 1

    /// Its place in the history of the store.
    package let sequence: UInt64
    /// Whether it was written without versioning, and so is addressed as version `null`.
    package let isNullVersion: Bool
    package let modifiedMilliseconds: Int64
    package let sizeBytes: UInt64
    package let etag: ETag
    /// The store's own integrity value, over the whole body.
    package let crc64nvme: UInt64
    /// Those that the client declared and that were verified, or those of a multipart upload.
    package let checksums: [Checksum]
    package let attributes: ObjectAttributes
    /// Empty unless it was uploaded in parts.
    package let parts: [PartSize]
    package let body: BodyLayout

    init(
        sequence: UInt64, isNullVersion: Bool = true, modifiedMilliseconds: Int64, sizeBytes: UInt64, etag: ETag,
        crc64nvme: UInt64, checksums: [Checksum], attributes: ObjectAttributes, parts: [PartSize], body: BodyLayout
    ) {
        precondition(parts.isEmpty || total(parts.map(\.sizeBytes)) == sizeBytes, "parts add up to the object")
        self.sequence = sequence
        self.isNullVersion = isNullVersion
        self.modifiedMilliseconds = modifiedMilliseconds
        self.sizeBytes = sizeBytes
        self.etag = etag
        self.crc64nvme = crc64nvme
        self.checksums = checksums
        self.attributes = attributes
        self.parts = parts
        self.body = body
    }

    /// The integrity value as S3 shows it.
    package var crc64nvmeChecksum: Checksum { Checksum(.crc64nvme, bytes: StoreKey.number(crc64nvme)) }

    // MARK: Coding. What a listing needs comes first, so that it can stop there.

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version, capacity: 384)
        writer.number(sequence)
        writer.byte(isNullVersion ? 1 : 0)
        writer.number(modifiedMilliseconds)
        writer.varint(sizeBytes)
        writer.number(crc64nvme)
        writer.text(etag.text)
        writer.checksums(checksums)
        writer.attributes(attributes)
        writer.count(parts.count)
        for part in parts {
            writer.varint(UInt64(part.number))
            writer.varint(part.sizeBytes)
        }
        writer.layout(body)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        let sequence = try reader.number()
        let isNullVersion = try reader.flag()
        let modified = try reader.signedNumber()
        let size = try reader.varint()
        let crc = try reader.number()
        let etag = try reader.etag()
        let checksums = try reader.checksums()
        let attributes = try reader.attributes()
        var parts: [PartSize] = []
        for _ in 0..<(try reader.count()) {
            let number = try reader.varint()
            guard (1...UInt64(PartNumber.limit)).contains(number) else { throw .invalid(field: "part.number") }
            parts.append(PartSize(number: UInt16(number), sizeBytes: try reader.varint()))
        }
        guard parts.isEmpty || total(parts.map(\.sizeBytes)) == size else { throw .invalid(field: "parts") }
        let body = try reader.layout(sizeBytes: size)
        try reader.finish()
        self.init(
            sequence: sequence, isNullVersion: isNullVersion, modifiedMilliseconds: modified, sizeBytes: size,
            etag: etag,
            crc64nvme: crc, checksums: checksums, attributes: attributes, parts: parts, body: body)
    }
}

/// What a listing shows of an object.
package struct ObjectSummary: Hashable, Sendable {
    package let key: ObjectKey
    package let sizeBytes: UInt64
    package let etag: ETag
    package let modifiedMilliseconds: Int64
    package let storageClass: String
    package let owner: String
    package let checksumAlgorithms: [ChecksumAlgorithm]
    package let checksumType: ChecksumType?

    /// Reads the head of an object record and leaves the rest.
    init(key: ObjectKey, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: ObjectRecord.version)
        _ = try reader.number()
        _ = try reader.flag()
        self.key = key
        self.modifiedMilliseconds = try reader.signedNumber()
        self.sizeBytes = try reader.varint()
        _ = try reader.number()
        self.etag = try reader.etag()
        let checksums = try reader.checksums()
        self.checksumAlgorithms = checksums.map(\.algorithm)
        self.checksumType = checksums.first?.type
        self.owner = try reader.text()
        _ = try reader.text()
        self.storageClass = try reader.text()
    }
}

extension ByteReader {
    /// A byte that is 0 or 1.
    mutating func flag() throws(RecordError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw .invalid(field: "flag")
        }
    }
}
