import Glibc

/// Why memory cannot be staged, sealed, mapped or passed.
package enum SealedMemoryError: Error, Equatable, CustomStringConvertible {
    /// A system call failed with this errno. The values involved are closed and unmapped; a retry may help when it is
    /// ENOMEM, EMFILE or ENFILE.
    case system(call: String, errno: Int32)
    /// A received descriptor does not carry all four seals, so its sender could still change or shrink it: refuse it.
    case notSealed
    /// The size is zero, or more than an address space holds.
    case unusableSize(Int64)

    package var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(unsafe String(cString: strerror(code))) (errno \(code))"
        case .notSealed: "the descriptor is not a sealed memory file"
        case .unusableSize(let size): "\(size) bytes cannot be mapped"
        }
    }
}
