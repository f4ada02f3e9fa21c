import Glibc

/// The file system of the machine.
package struct SystemDisk: Disk {
    package init() {}

    package func write(_ bytes: RawSpan, to path: String, mode: UInt32) throws(FileError) {
        let descriptor = try opened(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        defer { close(descriptor) }
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(written...)
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(.write, path, code: errno)
            }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw FileError(.sync, path, code: errno) }
    }

    package func read(_ path: String, limitBytes: Int) throws(FileError) -> [UInt8] {
        let descriptor = try opened(path, O_RDONLY)
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(.read, path, code: errno) }
        let size = Int(status.st_size)
        guard size <= limitBytes else { throw FileError(.read, path, code: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + done }, size - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(.read, path, code: errno)
            }
            if count == 0 { break }
            done += count
        }
        return Array(bytes.prefix(done))
    }

    package func rename(_ source: String, to target: String) throws(FileError) {
        guard unsafe Glibc.rename(source, target) == 0 else { throw FileError(.rename, source, code: errno) }
    }

    package func remove(_ path: String) throws(FileError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError(.remove, path, code: errno) }
    }

    package func makeDirectory(_ path: String, mode: UInt32) throws(FileError) {
        if unsafe mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST:
            return
        case ENOENT where directory(of: path) != path:
            try makeDirectory(directory(of: path), mode: mode)
            guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
                throw FileError(.makeDirectory, path, code: errno)
            }
        default:
            throw FileError(.makeDirectory, path, code: errno)
        }
    }

    package func list(_ path: String) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw FileError(.list, path, code: errno) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            // Invariant: d_name is a C string inside the entry, which lives until the next readdir.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw FileError(.list, path, code: errno) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = try opened(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(.sync, path, code: errno) }
    }

    /// Whether files in this directory can be opened past the page cache.
    package func supportsDirectIO(in path: String) -> Bool {
        // O_DIRECT, which glibc declares for _GNU_SOURCE only; the value differs between processors.
        #if arch(arm64)
            let directIO: Int32 = 0o200000
        #else
            let directIO: Int32 = 0o40000
        #endif
        let probe = path + "/.direct-io-probe"
        let descriptor = unsafe open(probe, O_WRONLY | O_CREAT | directIO | O_CLOEXEC, 0o600 as mode_t)
        if descriptor >= 0 { close(descriptor) }
        unsafe unlink(probe)
        return descriptor >= 0
    }

    private func opened(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(FileError) -> Int32 {
        let descriptor = unsafe open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError(.open, path, code: errno) }
        return descriptor
    }
}
