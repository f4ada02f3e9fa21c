import ArchiveKit
import Foundation
import Testing

/// Archives written by the system's own tar, and tar headers written by hand where no honest program would write them.
@Suite(.timeLimit(.minutes(3))) struct ArchiveTests {
    @Test(arguments: ["--gzip", "--zstd", "--format=ustar", "--format=pax"])
    func unpacksWhatTarPacks(option: String) throws {
        let members = try Archive.unpack(packed(option: option))
        #expect(members.map(\.path) == ["model/a.json", "model/deep/b.bin"])
        #expect(members[0].bytes == Array("{}".utf8))
        #expect(members[1].bytes == sample)
    }

    @Test(arguments: [
        "/etc/passwd", "/\u{338}etc/passwd", "../up", "../\u{338}up", "a/../../b", "a/..", "..", "a\\b", "a\u{1B}[31m",
    ])
    func refusesUnsafePaths(path: String) {
        #expect(throws: ArchiveError.unsafePath(path)) { try Archive.unpack(tar([entry(path)])) }
    }

    @Test(arguments: ["1", "2", "3", "4", "6"])
    func refusesLinksDevicesAndPipes(type: Character) {
        #expect(throws: ArchiveError.notARegularFile(path: "model")) {
            try Archive.unpack(tar([entry("model", type: type, link: "/etc/passwd")]))
        }
    }

    @Test func dotsAndDoubleSlashesNameTheSameFile() throws {
        #expect(try Archive.unpack(tar([entry("./a//b")])).map(\.path) == ["a/b"])
        #expect(throws: ArchiveError.duplicatePath("a/b")) { try Archive.unpack(tar([entry("a/b"), entry("./a//b")])) }
    }

    @Test func refusesWhatIsNoArchive() {
        for bytes in [[], Array("hello, this is no archive".utf8), [UInt8](repeating: 0xFF, count: 4096)] {
            #expect {
                try Archive.unpack(bytes)
            } throws: {
                if case .notAnArchive? = $0 as? ArchiveError { true } else { false }
            }
        }
    }

    @Test func everyTruncationIsAnErrorAndNoCrash() throws {
        let whole = try packed(option: "--gzip")
        #expect(whole.count > 200)
        for length in stride(from: 0, to: whole.count - 9, by: 7) {
            #expect(throws: ArchiveError.self, "cut at \(length) of \(whole.count)") {
                try Archive.unpack(Array(whole[..<length]))
            }
        }
    }

    @Test func flippedBytesAreRefusedOrGiveSafePaths() throws {
        let whole = try packed(option: "--gzip")
        var refused = 0
        for position in 0..<whole.count {
            var broken = whole
            broken[position] ^= 0x5A
            do throws(ArchiveError) {
                for member in try Archive.unpack(broken) {
                    #expect(!member.path.hasPrefix("/") && !member.path.split(separator: "/").contains(".."))
                }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test func limitsAreCheckedWhileUnpacking() throws {
        let three = tar([entry("a", size: 1000), entry("b", size: 1000), entry("c", size: 1000)])
        #expect(throws: ArchiveError.tooManyEntries(limit: 2)) {
            try Archive.unpack(three, limits: .init(entryCount: 2))
        }
        #expect(throws: ArchiveError.tooLarge(limitBytes: 2500)) {
            try Archive.unpack(three, limits: .init(totalBytes: 2500))
        }
        #expect(throws: ArchiveError.ratioTooHigh(limit: 1)) {
            try Archive.unpack(bomb(megabytes: 4), limits: .init(ratio: 1, ratioFreeBytes: 1 << 20))
        }
        #expect(throws: ArchiveError.ratioTooHigh(limit: 50)) { try Archive.unpack(bomb(megabytes: 80)) }
        #expect(try Archive.unpack(bomb(megabytes: 4)).first?.bytes.count == 4 << 20)
    }

    @Test func aSizeInAHeaderIsNotBelieved() {
        #expect(throws: ArchiveError.self) { try Archive.unpack(tar([entry("a", size: 10, claiming: 8_000_000_000)])) }
    }

    // MARK: Making archives

    private let sample = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ $0 >> 3) }

    private func packed(option: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("model/deep"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("{}".utf8).write(to: folder.appendingPathComponent("model/a.json"))
        try Data(sample).write(to: folder.appendingPathComponent("model/deep/b.bin"))
        return try run("tar", [option, "--sort=name", "--create", "--directory", folder.path, "model"])
    }

    private func bomb(megabytes: Int) throws -> [UInt8] {
        try run(
            "sh",
            [
                "-c", "head -c \(megabytes << 20) /dev/zero > \"$0/model\" && tar -C \"$0\" -czf - model; rm -r \"$0\"",
                temporaryFolder(),
            ])
    }

    private func temporaryFolder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path
    }

    private func run(_ program: String, _ arguments: [String]) throws -> [UInt8] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = output
        try process.run()
        let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return bytes
    }

    /// One ustar header and its padded content (POSIX.1-1988, section 10.1.1).
    private func entry(_ path: String, type: Character = "0", link: String = "", size: Int = 0, claiming: Int? = nil)
        -> [UInt8]
    {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ number: Int, width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        put(path, at: 0)
        put(octal(0o644, width: 7), at: 100)
        put(octal(claiming ?? size, width: 11), at: 124)
        put(octal(0, width: 11), at: 136)
        put("        ", at: 148)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, width: 6) + "\u{0} ", at: 148)
        return header + [UInt8](repeating: 0x61, count: size) + [UInt8](repeating: 0, count: (512 - size % 512) % 512)
    }

    private func tar(_ entries: [[UInt8]]) -> [UInt8] { entries.flatMap { $0 } + [UInt8](repeating: 0, count: 1024) }
}
