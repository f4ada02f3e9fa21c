package import Digests
package import Names

/// What the cache remembers of one model: the version that was last made live, so that it can be served again when the
/// store is down.
package struct ModelRecord: Sendable, Equatable {
    package let model: Name
    /// What clients are told the version is.
    package let version: String
    /// The key and the ETag of the object that it came from, to see whether the bucket holds another by now.
    package let objectKey: String
    package let etag: String
    /// Of the artifact.
    package let sizeBytes: UInt64
    package let artifactDigest: ContentDigest
    package let imageDigest: ContentDigest

    package init(
        model: Name, version: String, objectKey: String, etag: String, sizeBytes: UInt64,
        artifactDigest: ContentDigest, imageDigest: ContentDigest
    ) {
        self.model = model
        self.version = version
        self.objectKey = objectKey
        self.etag = etag
        self.sizeBytes = sizeBytes
        self.artifactDigest = artifactDigest
        self.imageDigest = imageDigest
    }

    private static let magic = Array("LODEMODL".utf8)
    private static let formatVersion: UInt16 = 1

    /// The bytes of a record file: `Docs/Formats/cache.md`.
    var encoded: [UInt8] {
        var bytes = Self.magic
        func append(_ count: UInt16) {
            bytes += [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
        }
        append(Self.formatVersion)
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: sizeBytes >> (8 * UInt64(shift)))) }
        bytes += artifactDigest.bytes
        bytes += imageDigest.bytes
        RecordTexts.append([model.text, version, objectKey, etag], to: &bytes)
        return bytes + CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(bytes))
    }

    /// Nil when a single byte is not as it was written.
    init?(encoded bytes: [UInt8]) {
        guard bytes.count >= 8 + 2 + 8 + 64 + 8, Array(bytes[..<8]) == Self.magic else { return nil }
        let content = Array(bytes.dropLast(8))
        guard CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(content)) == Array(bytes.suffix(8)) else { return nil }
        guard content[8] == UInt8(Self.formatVersion), content[9] == 0 else { return nil }
        guard let artifact = ContentDigest(bytes: Array(content[18..<50])),
            let image = ContentDigest(bytes: Array(content[50..<82]))
        else { return nil }
        let sizeBytes = content[10..<18].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let texts = RecordTexts.read(content[82...], count: 4) else { return nil }
        self.init(
            model: Name(texts[0]), version: texts[1], objectKey: texts[2], etag: texts[3], sizeBytes: sizeBytes,
            artifactDigest: artifact, imageDigest: image)
    }
}
