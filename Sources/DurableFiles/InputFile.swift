import Glibc

/// A file, or anything else that has a path and bytes, read once from its start.
package struct InputFile: ~Copyable {
    private let descriptor: Int32
    package let path: String
    /// Of a regular file, as it was when it was opened; nil for a pipe or a device.
    package let byteCount: Int?

    package init(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(.open, path, code: errno) }
        self.descriptor = descriptor
        self.path = path
        var status = stat()
        let isRegular = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.byteCount = isRegular ? Int(status.st_size) : nil
    }

    deinit { close(descriptor) }

    /// Reads what comes next, as much as fits or less.
    ///
    /// - Returns: how many bytes; 0 at the end.
    package func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        while true {
            let count = unsafe Glibc.read(descriptor, target.baseAddress, target.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileError(.read, path, code: errno) }
        }
    }

    /// The same into the beginning of an array, which keeps its length.
    package func read(into piece: inout [UInt8]) throws(FileError) -> Int {
        var result: Result<Int, FileError> = .success(0)
        unsafe piece.withUnsafeMutableBytes { target in
            result = Result { () throws(FileError) in try unsafe read(into: target) }
        }
        return try result.get()
    }

    /// The rest of the file.
    ///
    /// - Throws: with `EFBIG` when it has more bytes than the limit.
    package func readAll(limitBytes: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try read(into: &piece)
            if count == 0 { return bytes }
            guard bytes.count + count <= limitBytes else { throw FileError(.read, path, code: EFBIG) }
            bytes.append(contentsOf: piece[..<count])
        }
    }
}
