import DurableFiles
import Foundation
import Testing

final class Scratch {
    let path = NSTemporaryDirectory() + "/lodestore-files-" + UUID().uuidString

    init() throws { try SystemDisk().makeDirectory(path, mode: 0o700) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }
}

@Suite(.timeLimit(.minutes(3))) struct DiskTests {
    private let old = Array(repeating: UInt8(1), count: 10_000)
    private let new = Array(repeating: UInt8(2), count: 20_000)

    @Test func whatIsReplacedIsReadBack() throws {
        let scratch = try Scratch()
        let disk = SystemDisk()
        try disk.replace(scratch("file"), with: old.span.bytes)
        try disk.replace(scratch("file"), with: new.span.bytes, mode: 0o640)
        #expect(try disk.read(scratch("file"), limitBytes: 20_000) == new)
        #expect(throws: FileError(.read, scratch("file"), code: EFBIG)) {
            try disk.read(scratch("file"), limitBytes: 19_999)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch("file"))
        #expect(attributes[.posixPermissions] as? Int == 0o640)
        #expect(try disk.list(scratch.path) == ["file"])
    }

    @Test func directoriesAreMadeWithTheirParentsAndListedInOrder() throws {
        let scratch = try Scratch()
        let disk = SystemDisk()
        try disk.makeDirectory(scratch("a/b/c"), mode: 0o700)
        try disk.makeDirectory(scratch("a/b/c"), mode: 0o700)
        for name in ["z", "é", "10", "9"] { try disk.write(old.span.bytes, to: scratch("a/b/c/" + name), mode: 0o600) }
        #expect(try disk.list(scratch("a/b/c")) == ["10", "9", "z", "é"])
        try disk.remove(scratch("a/b/c/z"))
        try disk.remove(scratch("a/b/c/z"))
        #expect(throws: FileError(.list, scratch("none"), code: ENOENT)) { try disk.list(scratch("none")) }
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b", "a"), ("/", "/")])
    func theDirectoryOfAPath(path: String, expected: String) {
        #expect(directory(of: path) == expected)
    }

    /// Write, rename, directory sync: whichever fails, the name holds one file or the other, whole.
    @Test(arguments: 1...4)
    func aFailedReplacementLeavesOneOfTheTwo(countdown: Int) throws {
        let scratch = try Scratch()
        try SystemDisk().replace(scratch("file"), with: old.span.bytes)
        let failing = FailingDisk(countdown: countdown, code: ENOSPC)
        if countdown < 4 {
            #expect { try failing.replace(scratch("file"), with: new.span.bytes) } throws: {
                ($0 as? FileError)?.code == ENOSPC
            }
        } else {
            try failing.replace(scratch("file"), with: new.span.bytes)
        }
        let found = try SystemDisk().read(scratch("file"), limitBytes: 100_000)
        #expect(found == (countdown < 3 ? old : new))
        failing.mend()
        try failing.replace(scratch("file"), with: new.span.bytes)
        #expect(try SystemDisk().list(scratch.path) == ["file"])
    }
}

@Suite(.timeLimit(.minutes(3))) struct MappedFileTests {
    @Test func lendsTheBytesOfTheFile() throws {
        let scratch = try Scratch()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try SystemDisk().write(bytes.span.bytes, to: scratch("file"), mode: 0o600)
        let file = try MappedFile(scratch("file"))
        try file.populate(5000..<100_000)
        let copy = file.withBytes { span in span.withUnsafeBytes { Array($0) } }
        #expect(copy == bytes)
        try SystemDisk().write([UInt8]().span.bytes, to: scratch("empty"), mode: 0o600)
        let empty = try MappedFile(scratch("empty"))
        #expect(empty.byteCount == 0)
        try empty.populate(0..<0)
    }

    @Test func aTruncatedFileIsAnErrorAndNotASignal() throws {
        let scratch = try Scratch()
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        try SystemDisk().write(bytes.span.bytes, to: scratch("file"), mode: 0o600)
        let file = try MappedFile(scratch("file"))
        #expect(truncate(scratch("file"), 4096) == 0)
        #expect { try file.populate(0..<(1 << 20)) } throws: { ($0 as? FileError)?.code == EFAULT }
        try file.populate(0..<4096)
    }
}
