import CCrypto

/// One of libcrypto's hash functions, looked up once: a look-up by name at each use costs more than hashing a small body.
enum LibcryptoFunction {
    case md5, sha1, sha256

    var handle: OpaquePointer {
        switch self {
        case .md5: unsafe Self.md5Handle
        case .sha1: unsafe Self.sha1Handle
        case .sha256: unsafe Self.sha256Handle
        }
    }

    // Reason for `nonisolated(unsafe)`: an EVP_MD is immutable once fetched and reference-counted atomically; never freed.
    nonisolated(unsafe) private static let md5Handle = unsafe fetch("MD5")
    nonisolated(unsafe) private static let sha1Handle = unsafe fetch("SHA1")
    nonisolated(unsafe) private static let sha256Handle = unsafe fetch("SHA256")

    private static func fetch(_ name: String) -> OpaquePointer {
        guard let handle = unsafe EVP_MD_fetch(nil, name, nil) else { fatalError("libcrypto offers no \(name)") }
        return unsafe handle
    }
}

/// A running hash of libcrypto: one EVP_MD_CTX, freed with the value.
@safe struct LibcryptoHash: ~Copyable {
    private let context: OpaquePointer
    private let byteCount: Int

    init(_ function: LibcryptoFunction) {
        guard let context = unsafe EVP_MD_CTX_new() else { fatalError("out of memory for a hash context") }
        unsafe self.context = context
        self.byteCount = unsafe Int(EVP_MD_get_size(function.handle))
        let isReady = unsafe EVP_DigestInit_ex2(context, function.handle, nil) == 1
        precondition(isReady, "libcrypto refused to start a hash")
    }

    /// A hash that goes on from the state of another, which stays as it is.
    init(continuing other: borrowing LibcryptoHash) {
        guard let context = unsafe EVP_MD_CTX_new() else { fatalError("out of memory for a hash context") }
        unsafe self.context = context
        self.byteCount = other.byteCount
        let isCopied = unsafe EVP_MD_CTX_copy_ex(context, other.context) == 1
        precondition(isCopied, "libcrypto refused to copy a hash")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func update(_ bytes: RawSpan) {
        let isTaken = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) == 1 }
        precondition(isTaken, "libcrypto refused bytes of a hash")
    }

    consuming func finalize() -> [UInt8] {
        let isMade: Bool
        var digest = [UInt8](repeating: 0, count: byteCount)
        isMade = unsafe digest.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil) == 1
        }
        precondition(isMade, "libcrypto refused to finish a hash")
        return digest
    }
}
