/// What can be computed over a body.
package enum DigestAlgorithm: Hashable, Sendable, CaseIterable {
    case md5, sha1, sha256
    case crc32, crc32c, crc64nvme

    /// How many bytes a value has.
    package var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        case .crc32, .crc32c: 4
        case .crc64nvme: 8
        }
    }
}
