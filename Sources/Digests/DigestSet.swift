/// Computes several digests in one pass over a stream of buffers.
///
/// Not Sendable: one task at a time feeds it.
package final class DigestSet {
    /// A slice that every digest takes before the next slice is touched, so that the bytes come from the first-level cache
    /// for all but the first of them.
    private static let sliceByteCount = 16 * 1024

    package let algorithms: Set<DigestAlgorithm>
    /// How many bytes have been taken.
    package private(set) var byteCount: UInt64 = 0

    private var md5: LibcryptoHash?
    private var sha1: LibcryptoHash?
    private var sha256: LibcryptoHash?
    private var crc32: UInt64 = 0
    private var crc32c: UInt64 = 0
    private var crc64nvme: UInt64 = 0

    package init(_ algorithms: some Sequence<DigestAlgorithm>) {
        self.algorithms = Set(algorithms)
        self.md5 = self.algorithms.contains(.md5) ? LibcryptoHash(.md5) : nil
        self.sha1 = self.algorithms.contains(.sha1) ? LibcryptoHash(.sha1) : nil
        self.sha256 = self.algorithms.contains(.sha256) ? LibcryptoHash(.sha256) : nil
    }

    package func update(_ bytes: RawSpan) {
        byteCount += UInt64(bytes.byteCount)
        guard algorithms.count > 1 else { return updateSlice(bytes) }
        var offset = 0
        while offset < bytes.byteCount {
            let end = min(offset + Self.sliceByteCount, bytes.byteCount)
            updateSlice(bytes.extracting(offset..<end))
            offset = end
        }
    }

    package func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }

    /// The digests of all that was taken. The set is spent: call it once, and no `update` after it.
    package func finalize() -> [DigestAlgorithm: [UInt8]] {
        var values: [DigestAlgorithm: [UInt8]] = [:]
        if let hash = md5.take() { values[.md5] = hash.finalize() }
        if let hash = sha1.take() { values[.sha1] = hash.finalize() }
        if let hash = sha256.take() { values[.sha256] = hash.finalize() }
        if algorithms.contains(.crc32) { values[.crc32] = CRC.crc32.bytes(of: crc32) }
        if algorithms.contains(.crc32c) { values[.crc32c] = CRC.crc32c.bytes(of: crc32c) }
        if algorithms.contains(.crc64nvme) { values[.crc64nvme] = CRC.crc64nvme.bytes(of: crc64nvme) }
        return values
    }

    private func updateSlice(_ bytes: RawSpan) {
        md5?.update(bytes)
        sha1?.update(bytes)
        sha256?.update(bytes)
        if algorithms.contains(.crc32) { crc32 = CRC.crc32.update(crc32, bytes) }
        if algorithms.contains(.crc32c) { crc32c = CRC.crc32c.update(crc32c, bytes) }
        if algorithms.contains(.crc64nvme) { crc64nvme = CRC.crc64nvme.update(crc64nvme, bytes) }
    }
}
