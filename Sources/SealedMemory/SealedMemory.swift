import CLinux
import Glibc

/// A sealed memory file, owned by its descriptor: content that nobody can change, shrink or grow any more.
@safe package struct SealedMemory: ~Copyable, Sendable {
    private let descriptor: Int32
    package let sizeBytes: Int

    /// Takes over a descriptor that came from another process.
    ///
    /// - Throws: ``SealedMemoryError/notSealed`` unless all four seals are set, ``SealedMemoryError/unusableSize(_:)`` when
    ///   it is empty. The descriptor is closed then.
    package init(received descriptor: consuming ReceivedDescriptor) throws(SealedMemoryError) {
        guard clinux_is_sealed(descriptor.number) == 1 else { throw .notSealed }
        var status = stat()
        guard unsafe fstat(descriptor.number, &status) == 0 else { throw .system(call: "fstat", errno: errno) }
        guard status.st_size > 0, let sizeBytes = Int(exactly: status.st_size) else {
            throw .unusableSize(Int64(status.st_size))
        }
        self.sizeBytes = sizeBytes
        self.descriptor = descriptor.taken()
    }

    /// A sealed copy of some bytes.
    ///
    /// - Throws: ``SealedMemoryError/unusableSize(_:)`` when there are none; what a system call refused otherwise.
    package init(copying bytes: [UInt8], name: String) throws(SealedMemoryError) {
        let staged = try StagedMemory(name: name, sizeBytes: bytes.count)
        try staged.populate(0..<bytes.count)
        unsafe staged.bytes.copyBytes(from: bytes)
        self = try staged.sealed()
    }

    /// - Parameter sealed: an open descriptor with its seals set, owned by this value from here on.
    init(sealed: Int32, sizeBytes: Int) {
        self.descriptor = sealed
        self.sizeBytes = sizeBytes
    }

    deinit { close(descriptor) }

    /// A second descriptor of the same memory.
    package func duplicate() throws(SealedMemoryError) -> SealedMemory {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system(call: "fcntl(F_DUPFD_CLOEXEC)", errno: errno) }
        return SealedMemory(sealed: copy, sizeBytes: sizeBytes)
    }

    /// Maps the whole content to read; the mapping does not need this value any more.
    package func mapped() throws(SealedMemoryError) -> MappedMemory {
        try MappedMemory(descriptor: descriptor, sizeBytes: sizeBytes)
    }

    /// Lends the descriptor, for one call that passes it on.
    package func withDescriptor<Answer: ~Copyable, Failure: Error>(
        _ body: (Int32) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        try body(descriptor)
    }
}
