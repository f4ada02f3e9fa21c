import CLinux
import Glibc
import Testing

@testable import SealedMemory

@Suite(.timeLimit(.minutes(3))) struct SealedMemoryTests {
    @Test func sealedMemoryHoldsWhatWasStagedAcrossSlices() throws {
        let sizeBytes = 17 << 20 | 123
        let staged = try StagedMemory(name: "test", sizeBytes: sizeBytes)
        try staged.populate(0..<sizeBytes)
        for offset in stride(from: 0, to: sizeBytes, by: 4093) {
            staged.bytes[offset] = UInt8(truncatingIfNeeded: offset)
        }
        let memory = try staged.sealed()
        #expect(memory.sizeBytes == sizeBytes)
        let mapped = try memory.mapped()
        try mapped.populate()
        for offset in stride(from: 0, to: sizeBytes, by: 4093) {
            guard mapped.bytes[offset] == UInt8(truncatingIfNeeded: offset) else {
                Issue.record("byte \(offset) differs")
                return
            }
        }
    }

    @Test func aSealedFileRefusesWritingResizingAndWritableMappings() throws {
        let memory = try SealedMemory(copying: Array("content".utf8), name: "test")
        memory.withDescriptor { descriptor in
            var byte: UInt8 = 1
            #expect(write(descriptor, &byte, 1) == -1 && errno == EPERM)
            #expect(ftruncate(descriptor, 1) == -1 && errno == EPERM)
            #expect(ftruncate(descriptor, 100) == -1 && errno == EPERM)
            #expect(mmap(nil, 7, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) == MAP_FAILED)
        }
    }

    @Test func aMappingOutlivesItsDescriptor() throws {
        let mapped = try SealedMemory(copying: Array("content".utf8), name: "test").mapped()
        #expect(mapped.copied == Array("content".utf8))
    }

    @Test func anUnsealedMemoryFileIsRefused() {
        let descriptor = clinux_memfd_create("test")
        ftruncate(descriptor, 4096)
        #expect(throws: SealedMemoryError.notSealed) {
            _ = try SealedMemory(received: ReceivedDescriptor(owning: descriptor))
        }
        #expect(fcntl(descriptor, F_GETFD) == -1, "the refused descriptor is closed")
    }

    @Test func aPartlySealedMemoryFileIsRefused() {
        let descriptor = clinux_memfd_create("test")
        ftruncate(descriptor, 4096)
        #expect(fcntl(descriptor, 1033, 0x2 | 0x4) == 0, "F_ADD_SEALS with SHRINK and GROW alone")
        #expect(throws: SealedMemoryError.notSealed) {
            _ = try SealedMemory(received: ReceivedDescriptor(owning: descriptor))
        }
    }

    @Test func aPipeAndAnOrdinaryFileAreRefused() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        #expect(throws: SealedMemoryError.notSealed) {
            _ = try SealedMemory(received: ReceivedDescriptor(owning: ends[0]))
        }
        close(ends[1])
        let file = open("/proc/self/exe", O_RDONLY)
        #expect(throws: SealedMemoryError.notSealed) {
            _ = try SealedMemory(received: ReceivedDescriptor(owning: file))
        }
    }

    @Test func anEmptySealedFileIsRefused() {
        let descriptor = clinux_memfd_create("test")
        #expect(clinux_seal(descriptor) == 0)
        #expect(throws: SealedMemoryError.unusableSize(0)) {
            _ = try SealedMemory(received: ReceivedDescriptor(owning: descriptor))
        }
    }

    @Test(arguments: [0, -1, Int.min]) func memoryOfNoSizeIsRefused(sizeBytes: Int) {
        #expect(throws: SealedMemoryError.unusableSize(Int64(sizeBytes))) {
            _ = try StagedMemory(name: "test", sizeBytes: sizeBytes)
        }
    }

    @Test func stagedMemoryLeavesNothingBehind() throws {
        let before = openDescriptorCount()
        for _ in 0..<50 { _ = try StagedMemory(name: "test", sizeBytes: 1 << 16) }
        for _ in 0..<50 { _ = try SealedMemory(copying: [1], name: "test").duplicate().mapped() }
        // Other tests of the process open descriptors of their own meanwhile, but never a hundred.
        #expect(openDescriptorCount() - before < 50)
    }

    private func openDescriptorCount() -> Int {
        (0..<1024).count { fcntl(Int32($0), F_GETFD) >= 0 }
    }
}

extension MappedMemory {
    /// The bytes, copied while the mapping is certain to stand.
    var copied: [UInt8] { Array(bytes) }
}
