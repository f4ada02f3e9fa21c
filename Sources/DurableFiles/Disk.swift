/// What the rooms above need of a file system, so that a test can put a failing one in its place.
///
/// Every call blocks. Paths are absolute. A call that throws may have done part of its work; ``replace(_:with:mode:)``
/// never shows that part under the name it was given.
package protocol Disk: Sendable {
    /// Makes a file anew and returns once its bytes are on the disk; the name is durable only after ``syncDirectory(_:)``.
    func write(_ bytes: RawSpan, to path: String, mode: UInt32) throws(FileError)
    /// The whole of a file.
    ///
    /// - Throws: with `EFBIG` when it is larger than the limit.
    func read(_ path: String, limitBytes: Int) throws(FileError) -> [UInt8]
    func rename(_ source: String, to target: String) throws(FileError)
    /// A file that is not there is no error.
    func remove(_ path: String) throws(FileError)
    /// Makes a directory and those above it; one that is there is left as it is.
    func makeDirectory(_ path: String, mode: UInt32) throws(FileError)
    /// The names in a directory in byte order, `.` and `..` left out.
    func list(_ path: String) throws(FileError) -> [String]
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(FileError)
}

extension Disk {
    /// Puts a file in the place of another, whole or not at all: written beside it, synced, renamed, directory synced.
    ///
    /// - Parameter mode: permission bits of the new file.
    /// - Throws: the name then holds the old file, the new one, or (if it held none) nothing; never a part.
    package func replace(_ path: String, with bytes: RawSpan, mode: UInt32 = 0o600) throws(FileError) {
        let temporary = path + ".new"
        do throws(FileError) {
            try write(bytes, to: temporary, mode: mode)
            try rename(temporary, to: path)
        } catch {
            // The first failure is the one to tell; what it left is overwritten by the next try.
            try? remove(temporary)
            throw error
        }
        try syncDirectory(directory(of: path))
    }
}

/// The directory part of a path; `.` when it has none.
package func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
