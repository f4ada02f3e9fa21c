import Glibc

/// A whole file mapped for reading.
///
/// A page that the disk cannot deliver kills the process that touches it. ``populate(_:)`` turns that into an error for
/// the range it names: call it from a thread that may block, before the range is touched or lent.
@safe package struct MappedFile: ~Copyable, Sendable {
    // Sendable: the pages are mapped read-only and stay until deinit.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer?
    package let byteCount: Int
    private let path: String

    package init(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(.open, path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(.map, path, code: errno) }
        let size = Int(status.st_size)
        var mapped: UnsafeMutableRawPointer?
        if size > 0 {
            unsafe mapped = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0)
            guard unsafe mapped != MAP_FAILED else { throw FileError(.map, path, code: errno) }
        }
        unsafe self.base = mapped
        self.byteCount = size
        self.path = path
    }

    deinit {
        if let base = unsafe self.base { unsafe munmap(base, self.byteCount) }
    }

    /// Reads the pages of a range into memory.
    ///
    /// - Throws: `EFAULT` where the file has become shorter or the disk failed.
    package func populate(_ range: Range<Int>) throws(FileError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "a range outside the file")
        guard let base = unsafe self.base, !range.isEmpty else { return }
        let pageBytes = sysconf(Int32(_SC_PAGESIZE))
        let first = range.lowerBound / pageBytes * pageBytes
        // MADV_POPULATE_READ, Linux 5.14; the libc headers of older systems do not name it.
        guard unsafe madvise(base + first, range.upperBound - first, 22) == 0 else {
            throw FileError(.populate, path, code: errno)
        }
    }

    /// Lends the bytes for the length of the call.
    package func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Invariant: `byteCount` bytes are mapped at base until deinit, and self outlives the call.
        try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: self.base, count: self.byteCount)))
    }
}
