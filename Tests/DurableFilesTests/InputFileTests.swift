import DurableFiles
import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct InputFileTests {
    @Test func readsAFileToItsEnd() throws {
        let scratch = try Scratch()
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try SystemDisk().write(bytes.span.bytes, to: scratch("file"), mode: 0o600)
        let file = try InputFile(scratch("file"))
        #expect(file.byteCount == bytes.count)
        #expect(try file.readAll(limitBytes: bytes.count) == bytes)
        #expect(try file.readAll(limitBytes: 0) == [])
        #expect(throws: FileError(.read, scratch("file"), code: EFBIG)) {
            try InputFile(scratch("file")).readAll(limitBytes: bytes.count - 1)
        }
    }

    @Test func aPipeHasNoSizeButAnEnd() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(write(ends[1], "rows", 4) == 4)
        close(ends[1])
        defer { close(ends[0]) }
        let file = try InputFile("/dev/fd/\(ends[0])")
        #expect(file.byteCount == nil)
        #expect(try file.readAll(limitBytes: 100) == Array("rows".utf8))
    }

    @Test func anErrorSaysWhatTheSystemSays() throws {
        let error = #expect(throws: FileError.self) { _ = try InputFile("/nonexistent/file") }
        #expect(error?.description == "open /nonexistent/file: No such file or directory (errno 2)")
    }
}
