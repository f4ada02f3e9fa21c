import CCrypto

/// A key for HMAC, with the two hash states that depend on the key alone made once.
///
/// Source: RFC 2104.
package final class HMACKey: Sendable {
    package enum Function: Sendable {
        case sha256
        /// For signatures of the past only.
        case sha1
    }

    /// The block of either hash function, in bytes.
    private static let blockByteCount = 64

    // Sendable: both states are only copied from after init, and EVP_MD_CTX_copy_ex reads its source.
    private let inner: FrozenHash
    private let outer: FrozenHash

    package init(_ key: [UInt8], function: Function = .sha256) {
        var block = key
        if key.count > Self.blockByteCount { block = function == .sha256 ? Digest.sha256(key) : Digest.sha1(key) }
        block += [UInt8](repeating: 0, count: Self.blockByteCount - block.count)
        self.inner = FrozenHash(function, after: block.map { $0 ^ 0x36 })
        self.outer = FrozenHash(function, after: block.map { $0 ^ 0x5C })
    }

    /// The code of a message: 32 bytes, or 20 by SHA-1.
    package func authenticate(_ message: RawSpan) -> [UInt8] {
        var innerHash = inner.continued()
        innerHash.update(message)
        var outerHash = outer.continued()
        unsafe outerHash.update(innerHash.finalize().span.bytes)
        return outerHash.finalize()
    }

    package func authenticate(_ message: [UInt8]) -> [UInt8] { unsafe authenticate(message.span.bytes) }
    package func authenticate(_ message: String) -> [UInt8] { authenticate(Array(message.utf8)) }
}

/// A hash state that nothing is added to.
private struct FrozenHash: ~Copyable, @unchecked Sendable {
    // Sendable: immutable after init; libcrypto's copy takes its source as const.
    private let state: LibcryptoHash

    init(_ function: HMACKey.Function, after block: [UInt8]) {
        var state = LibcryptoHash(function == .sha256 ? .sha256 : .sha1)
        unsafe state.update(block.span.bytes)
        self.state = state
    }

    func continued() -> LibcryptoHash { LibcryptoHash(continuing: state) }
}
