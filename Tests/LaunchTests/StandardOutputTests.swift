import Glibc
import Testing

@testable import Launch

@Suite(.timeLimit(.minutes(3))) struct StandardOutputTests {
    @Test func whatAFullDiskLosesIsAnError() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let error = #expect(throws: OutputError.self) {
            try StandardOutput.write(Array("0.25\n".utf8), to: full)
        }
        #expect(error == OutputError(code: ENOSPC))
        #expect(error?.description == "standard output cannot be written to its end: No space left on device")
    }

    @Test func allBytesArriveHoweverMany() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let bytes = (0..<60_000).map { UInt8(truncatingIfNeeded: $0) }
        try StandardOutput.write(bytes, to: ends[1])
        try StandardOutput.write([], to: ends[1])
        close(ends[1])
        var read = [UInt8](repeating: 0, count: 100_000)
        #expect(Glibc.read(ends[0], &read, read.count) == bytes.count)
        #expect(Array(read.prefix(bytes.count)) == bytes)
        close(ends[0])
    }
}
