import CLinux
import Glibc

/// A read-only mapping of sealed memory; unmapped, slice by slice, when the value goes.
@safe package struct MappedMemory: ~Copyable, @unchecked Sendable {
    // Sendable: the bytes are sealed, so that no one can write them; the address never changes.
    private let address: UnsafeMutableRawPointer
    package let sizeBytes: Int

    /// - Parameters:
    ///   - descriptor: of a sealed memory file of exactly `sizeBytes`, so that no access within can fault.
    init(descriptor: Int32, sizeBytes: Int) throws(SealedMemoryError) {
        let address = unsafe mmap(nil, sizeBytes, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .system(call: "mmap", errno: errno)
        }
        unsafe self.address = address
        self.sizeBytes = sizeBytes
    }

    deinit { unsafe unmapInSlices(address, sizeBytes) }

    /// The bytes, page aligned; valid while this value lives.
    @unsafe package var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: address, count: sizeBytes)
    }

    /// Makes the page tables now, so that no later reader takes a fault: 76–98 ms a GiB on 4 KiB pages.
    ///
    /// - Parameter sliceBytes: how much one call populates; between two calls other threads get at the memory map.
    package func populate(sliceBytes: Int = 8 << 20) throws(SealedMemoryError) {
        precondition(sliceBytes > 0 && sliceBytes % pageBytes == 0, "slices of whole pages")
        for start in stride(from: 0, to: sizeBytes, by: sliceBytes) {
            let count = min(sliceBytes, sizeBytes - start)
            if unsafe clinux_populate_read(address + start, count) != 0 {
                // A kernel before 5.14 does not know the advice. What is sealed can be touched without fear.
                guard errno == EINVAL else { throw .system(call: "madvise", errno: errno) }
                touch(start..<(start + count))
            }
        }
    }

    private func touch(_ range: Range<Int>) {
        var sum: UInt8 = 0
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: pageBytes) {
            sum &+= unsafe bytes[offset]
        }
        withExtendedLifetime(sum) {}
    }
}
