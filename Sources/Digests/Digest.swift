import CCrypto

/// Digests of bytes that are all at hand.
package enum Digest {
    package static func md5(_ bytes: [UInt8]) -> [UInt8] { unsafe hash(.md5, bytes.span.bytes) }
    package static func md5(_ bytes: RawSpan) -> [UInt8] { hash(.md5, bytes) }
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] { unsafe hash(.sha1, bytes.span.bytes) }
    package static func sha1(_ bytes: RawSpan) -> [UInt8] { hash(.sha1, bytes) }
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { unsafe hash(.sha256, bytes.span.bytes) }
    package static func sha256(_ bytes: RawSpan) -> [UInt8] { hash(.sha256, bytes) }

    /// The digest of `bytes` by the algorithm named.
    package static func value(_ algorithm: DigestAlgorithm, of bytes: RawSpan) -> [UInt8] {
        switch algorithm {
        case .md5: hash(.md5, bytes)
        case .sha1: hash(.sha1, bytes)
        case .sha256: hash(.sha256, bytes)
        case .crc32: CRC.crc32.bytes(of: CRC.crc32.update(0, bytes))
        case .crc32c: CRC.crc32c.bytes(of: CRC.crc32c.update(0, bytes))
        case .crc64nvme: CRC.crc64nvme.bytes(of: CRC.crc64nvme.update(0, bytes))
        }
    }

    /// Whether two digests are equal, in a time that does not depend on where they differ.
    package static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }

    private static func hash(_ function: LibcryptoFunction, _ bytes: RawSpan) -> [UInt8] {
        var hash = LibcryptoHash(function)
        hash.update(bytes)
        return hash.finalize()
    }
}
