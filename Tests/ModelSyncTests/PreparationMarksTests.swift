import Digests
import DurableFiles
import Logging
import ModelCache
import Names
import S3Types
import Testing

@testable import ModelSync

/// What is remembered of a preparation that its process did not outlive.
@Suite(.timeLimit(.minutes(3))) struct PreparationMarksTests {
    private let directory = TemporaryDirectory()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func input(_ number: UInt8) throws -> Preparation.Input {
        let digest = try #require(ContentDigest(bytes: Array(repeating: number, count: 32)))
        return Preparation.Input(
            model: Name("m\(number)"), version: "v", isBundle: true, digest: digest, objectKey: "m\(number)/a.zip",
            etag: "e\(number)")
    }

    private func reference(_ number: UInt8) throws -> ArtifactReference {
        ArtifactReference(
            key: try ObjectKey("m\(number)/a.zip"), etag: try ETag("e\(number)"), sizeBytes: 1, isBundle: true)
    }

    /// One process: begins at what the one before left, and ends without a word.
    private func process(boot: String = "a", _ body: (PreparationMarks, ModelCache) throws -> Void) throws {
        let cache = try ModelCache(directory: directory.path, budgetBytes: 1 << 20)
        let marks = PreparationMarks(cache: cache, logger: logger, boot: boot)
        marks.judge()
        try body(marks, cache)
    }

    private func isSuspect(_ marks: PreparationMarks, _ number: UInt8) throws -> Bool {
        let reference = try reference(number)
        return marks.isSuspect(reference)
    }

    private func isCondemned(_ marks: PreparationMarks, _ number: UInt8) throws -> Bool {
        let input = try input(number)
        do throws(PreparationError) {
            try marks.begin(input)
            marks.end(input.digest)
            return false
        } catch {
            guard case .endedTheProcess(let path) = error else { throw error }
            #expect("\(error)".contains(path) && !error.isPassing)
            return true
        }
    }

    @Test func theOnlyOneThatWasBeingPreparedIsNotTriedAgain() throws {
        try process { (marks, _) throws in try marks.begin(input(1)) }
        for _ in 0..<3 {
            try process { (marks, _) throws in
                #expect(try isCondemned(marks, 1))
                #expect(try !isCondemned(marks, 2), "it fails alone")
            }
        }
        try process { (marks, cache) throws in
            try cache.unmark(input(1).digest)
            _ = marks
        }
        try process { (marks, _) throws in #expect(try !isCondemned(marks, 1), "the operator said so") }
    }

    @Test func whatEndedIsNotHeldAgainstAnyone() throws {
        try process { (marks, _) throws in
            try marks.begin(input(1))
            marks.end(try input(1).digest)
        }
        try process { (marks, cache) throws in
            #expect(try cache.marks().marks.isEmpty)
            #expect(try !isCondemned(marks, 1))
        }
    }

    @Test func ofSeveralEachIsTriedOnceMoreByItself() throws {
        try process { (marks, _) throws in for number: UInt8 in 1...3 { try marks.begin(input(number)) } }
        try process { (marks, _) throws in
            for number: UInt8 in 1...3 { #expect(try isSuspect(marks, number)) }
            #expect(try !isSuspect(marks, 4))
            #expect(try !isCondemned(marks, 2), "innocent")
            #expect(try !isSuspect(marks, 2))
            try marks.begin(input(1))
        }
        try process { (marks, _) throws in
            #expect(try isCondemned(marks, 1), "it was alone this time")
            #expect(try isSuspect(marks, 3))
            #expect(try !isCondemned(marks, 3))
        }
    }

    @Test func aPowerCutCondemnsNobody() throws {
        try process(boot: "a") { (marks, _) throws in try marks.begin(input(1)) }
        try process(boot: "b") { (marks, cache) throws in
            #expect(try cache.marks().marks.isEmpty)
            #expect(try !isCondemned(marks, 1))
        }
    }

    @Test func aStopThatWasAskedForCondemnsNobody() throws {
        try process { (marks, cache) throws in
            try marks.begin(input(1))
            marks.stop()
            #expect(try cache.marks().marks.isEmpty)
        }
        try process { (marks, _) throws in #expect(try !isCondemned(marks, 1)) }
    }

    @Test func withoutItsMarkNothingIsBegun() throws {
        try process { (marks, _) throws in
            let path = directory.path + "/preparing"
            let nothing: [UInt8] = []
            try SystemDisk().write(nothing.span.bytes, to: path, mode: 0o600)
            let input = try input(1)
            #expect {
                try marks.begin(input)
            } throws: {
                "\($0)".contains(path)
            }
        }
    }
}
