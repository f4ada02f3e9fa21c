import CLinux
import Glibc

/// A memory file being filled: writable here, nowhere else, and worth nothing until it is sealed.
///
/// Let go of without sealing, it leaves nothing behind.
@safe package struct StagedMemory: ~Copyable, @unchecked Sendable {
    // Sendable: the address is a shared mapping that no one but this value knows; whoever owns the value owns the bytes.
    private let descriptor: Int32
    private let address: UnsafeMutableRawPointer
    package let sizeBytes: Int

    /// - Parameters:
    ///   - name: shown in `/proc/PID/maps`; need not be unique, at most 200 bytes are used.
    ///   - sizeBytes: the exact size of the content; every byte starts as zero.
    /// - Throws: ``SealedMemoryError/unusableSize(_:)``, or ``SealedMemoryError/system(call:errno:)``.
    package init(name: String, sizeBytes: Int) throws(SealedMemoryError) {
        guard sizeBytes > 0 else { throw .unusableSize(Int64(sizeBytes)) }
        // Source: memfd_create(2), a name has at most 249 bytes.
        let descriptor = unsafe clinux_memfd_create(String(decoding: name.utf8.prefix(200), as: UTF8.self))
        guard descriptor >= 0 else { throw .system(call: "memfd_create", errno: errno) }
        guard ftruncate(descriptor, off_t(sizeBytes)) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(call: "ftruncate", errno: code)
        }
        let address = unsafe mmap(nil, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            let code = errno
            close(descriptor)
            throw .system(call: "mmap", errno: code)
        }
        self.descriptor = descriptor
        unsafe self.address = address
        self.sizeBytes = sizeBytes
    }

    deinit {
        unsafe unmapInSlices(address, sizeBytes)
        close(descriptor)
    }

    /// The bytes, page aligned; valid until the value is sealed or let go of.
    @unsafe package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: address, count: sizeBytes)
    }

    /// Allocates the pages of a range, so that memory that is not there is an error here and no signal at the first write.
    ///
    /// Ranges may be populated from several threads at once.
    ///
    /// - Throws: ``SealedMemoryError/system(call:errno:)``, ENOMEM above all.
    package func populate(_ range: Range<Int>) throws(SealedMemoryError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= sizeBytes, "a range within the memory")
        try unsafe populateForWriting(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
    }

    /// Seals the content for good: nobody, this process included, can write, shrink or grow it from here on.
    ///
    /// - Throws: ``SealedMemoryError/system(call:errno:)``; the content is gone then.
    package consuming func sealed() throws(SealedMemoryError) -> SealedMemory {
        let descriptor = descriptor
        let sizeBytes = sizeBytes
        // The write seal is refused with EBUSY while a writable mapping stands, so that goes first.
        unsafe unmapInSlices(address, sizeBytes)
        discard self
        guard clinux_seal(descriptor) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(call: "fcntl(F_ADD_SEALS)", errno: code)
        }
        return SealedMemory(sealed: descriptor, sizeBytes: sizeBytes)
    }
}

/// Allocates the pages of a part of a ``StagedMemory``, as ``StagedMemory/populate(_:)`` does, for a thread that was lent
/// that part alone.
package func populateForWriting(_ part: UnsafeMutableRawBufferPointer) throws(SealedMemoryError) {
    guard let address = part.baseAddress else { return }
    let offset = Int(bitPattern: address) % pageBytes
    guard unsafe clinux_populate_write(address - offset, part.count + offset) != 0 else { return }
    // A kernel before 5.14 does not know the advice: the first write allocates there.
    if errno != EINVAL { throw .system(call: "madvise", errno: errno) }
}

/// The size of a page, in bytes.
let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

/// How much is unmapped or populated in one call: long enough to cost few calls, short enough not to hold the process's
/// memory lock for long.
let sliceBytes = 8 << 20

/// Unmaps a mapping slice by slice.
///
/// - Parameters:
///   - address: what `mmap` returned; nothing may touch the bytes any more.
///   - sizeBytes: what `mmap` was asked for.
@unsafe func unmapInSlices(_ address: UnsafeMutableRawPointer, _ sizeBytes: Int) {
    for start in stride(from: 0, to: sizeBytes, by: sliceBytes) {
        unsafe munmap(address + start, min(sliceBytes, sizeBytes - start))
    }
}
