import Glibc

/// Keeps other processes and other parts of this one out of a directory, until the value or the process ends. Leaves the
/// directory as it is.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// - Throws: with `EWOULDBLOCK` while somebody else has it.
    package init(_ directory: String) throws(FileError) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(.open, directory, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError(.lock, directory, code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

/// The size of a file, or nil when there is none of that path.
package func fileSize(_ path: String) throws(FileError) -> UInt64? {
    var status = stat()
    if unsafe stat(path, &status) == 0 { return UInt64(status.st_size) }
    guard errno == ENOENT else { throw FileError(.open, path, code: errno) }
    return nil
}
