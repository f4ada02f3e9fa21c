package import DurableFiles
import Glibc
package import SealedMemory

/// Why the cache does not keep or give something.
package enum ModelCacheError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The disk refused. What was there before is there still.
    case file(FileError)
    /// No memory to give the content in.
    case memory(SealedMemoryError)
    /// Nothing is kept under this name: fetch or compile it.
    case missing(String)
    /// The file is cut short or damaged, and has been dropped: fetch or compile it anew.
    case damaged(file: String, what: String)
    /// Another process works in this directory.
    case directoryInUse(String)

    /// Whether it is the file system that has no room left.
    package var isDiskFull: Bool {
        guard case .file(let error) = self else { return false }
        return error.code == ENOSPC || error.code == EDQUOT
    }

    package var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .memory(let error): "\(error)"
        case .missing(let name): "\(name) is not in the cache"
        case .damaged(let file, let what): "the cache file \(file) was damaged (\(what)) and is dropped"
        case .directoryInUse(let path): "another sidecar works in \(path)"
        }
    }
}
