import Names

/// The checksum algorithms of S3's `x-amz-checksum-…` headers.
///
/// Source: "Checking object integrity", Amazon S3 User Guide.
package enum ChecksumAlgorithm: String, Hashable, Sendable, CaseIterable {
    case crc32 = "CRC32"
    case crc32c = "CRC32C"
    case crc64nvme = "CRC64NVME"
    case sha1 = "SHA1"
    case sha256 = "SHA256"

    /// How many bytes a value has.
    package var byteCount: Int {
        switch self {
        case .crc32, .crc32c: 4
        case .crc64nvme: 8
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// The header that carries a value, in lower case.
    package var headerName: String { "x-amz-checksum-" + rawValue.asciiLowercased() }

    /// Whether a whole object's value can be made from those of its parts.
    package var isLinear: Bool {
        switch self {
        case .crc32, .crc32c, .crc64nvme: true
        case .sha1, .sha256: false
        }
    }
}

/// How the checksum of an object in several parts was made.
package enum ChecksumType: String, Hashable, Sendable {
    /// Over the whole body.
    case fullObject = "FULL_OBJECT"
    /// Over the concatenated checksums of the parts; written `value-N`.
    case composite = "COMPOSITE"
}

/// One checksum value: the digest's bytes, most significant first.
package struct Checksum: Hashable, Sendable {
    package let algorithm: ChecksumAlgorithm
    package let bytes: [UInt8]
    package let type: ChecksumType
    /// The number of parts behind a composite value; nil for a full-object one.
    package let partCount: Int?

    package init(_ algorithm: ChecksumAlgorithm, bytes: [UInt8]) {
        precondition(bytes.count == algorithm.byteCount, "\(algorithm) has \(algorithm.byteCount) bytes")
        self.algorithm = algorithm
        self.bytes = bytes
        self.type = .fullObject
        self.partCount = nil
    }

    package init(composite algorithm: ChecksumAlgorithm, bytes: [UInt8], partCount: Int) {
        precondition(bytes.count == algorithm.byteCount, "\(algorithm) has \(algorithm.byteCount) bytes")
        precondition(partCount > 0, "an upload has one part or more")
        self.algorithm = algorithm
        self.bytes = bytes
        self.type = .composite
        self.partCount = partCount
    }
}
