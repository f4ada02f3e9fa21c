import DurableFiles
import Glibc

/// Keeps other processes out of a directory, until the value or the process ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// - Throws: ``ModelCacheError/directoryInUse(_:)`` or ``ModelCacheError/file(_:)``.
    init(_ directory: String) throws(ModelCacheError) {
        let path = directory + "/lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(FileError(.open, path, code: errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .directoryInUse(directory) : .file(FileError(.lock, path, code: code))
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
