import Glibc

/// A file of fixed size of which parts are overwritten where they stand.
package final class OverwrittenFile: Sendable {
    private let descriptor: Int32
    private let path: String

    package init(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(.open, path, code: errno) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Returns once the bytes are on the disk. A crash may leave some of them and not others.
    package func write(_ bytes: RawSpan, at offset: Int) throws(FileError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(written...)
            let count = unsafe rest.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + written))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(.write, path, code: errno)
            }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw FileError(.sync, path, code: errno) }
    }
}
