import Dispatch
import Foundation
import Glibc
import RocksKit
import Synchronization
import Testing

/// Opening anew in place, under those who read and write.
@Suite(.timeLimit(.minutes(3))) struct ReopeningTests {
    private static let name = Array("a".utf8)

    @Test func aDatabaseThatRefusesWritesTakesThemOnceItIsOpenedAnew() throws {
        let scratch = try Scratch()
        let faults = DiskFaults()
        var settings = DatabaseSettings()
        settings.faults = faults
        let database = try scratch.open(settings)
        try database.write([("a", [1])], isSynced: true)
        faults.arm(countdown: 1, isFull: true)
        #expect { try database.write([("b", [2])], isSynced: true) } throws: { ($0 as? RocksError)?.kind == .noSpace }
        faults.arm(countdown: 0)
        #expect(database.hasFailed)
        #expect(throws: RocksError.self) { try database.write([("b", [2])], isSynced: true) }
        let generation = database.generation
        try database.reopen { .toTornRecord }
        #expect(!database.hasFailed)
        #expect(database.generation > generation)
        try database.write([("b", [3])], isSynced: true)
        #expect(try database.bytes("a") == [1])
        #expect(try database.bytes("b") == [3])
        let messages = database.takeMessages().messages
        #expect(messages.contains { $0.text.contains("injected") })
    }

    @Test func whatCannotBeOpenedForWritingIsReadOn() throws {
        let scratch = try Scratch()
        let faults = DiskFaults()
        var settings = DatabaseSettings()
        settings.faults = faults
        let database = try scratch.open(settings)
        try database.write([("a", [1])], isSynced: true)
        faults.arm(countdown: 1)
        #expect(throws: RocksError.self) { try database.write([("b", [2])], isSynced: true) }
        #expect(throws: RocksError.self) { try database.reopen { .toTornRecord } }
        #expect(try database.bytes("a") == [1])
        #expect(throws: RocksError.self) { try database.write([("b", [2])], isSynced: true) }
        faults.arm(countdown: 0)
        try database.reopen { .toTornRecord }
        try database.write([("b", [2])], isSynced: true)
        #expect(try database.bytes("a") == [1])
    }

    @Test func nothingIsLoggedIntoTheDirectory() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        try database.write([("a", [1])], isSynced: true)
        try database.flush()
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/db")
        #expect(!files.contains { $0.hasPrefix("LOG") })
    }

    /// A reader under a cursor comes to its end and a value that it pinned stays, while others wait or go on.
    @Test func readersSurviveOpeningsUnderThem() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        let body = [UInt8](repeating: 7, count: 50_000)
        try database.write([("a", body), ("b", body), ("c", body)], in: 3, isSynced: true)
        let tally = Tally()
        let readers = DispatchGroup()
        for _ in 0..<3 {
            DispatchQueue.global().async(group: readers) {
                while !tally.isStopped {
                    do {
                        let pinned = try database.value(Self.name, in: 3)
                        let count = try Self.walk(database, body)
                        tally.add(isRight: count == 3 && pinned?.copied() == body)
                    } catch {
                        tally.add(isRight: false)
                    }
                }
            }
        }
        // However long the queue takes to begin: an opening is to meet a reader.
        while tally.counts.right + tally.counts.wrong == 0 { sched_yield() }
        for round in 0..<10 {
            try database.reopen { .toTornRecord }
            try database.write([("round", [UInt8(round)])], isSynced: true)
            #expect(try database.bytes("round") == [UInt8(round)])
        }
        tally.stop()
        readers.wait()
        #expect(tally.counts.wrong == 0)
        #expect(tally.counts.right > 0)
    }

    /// - Returns: how many keys had the body, looked up one by one under the cursor.
    private static func walk(_ database: Database, _ body: [UInt8]) throws -> Int {
        var cursor = Cursor(database, family: 3, lower: [], upper: nil)
        try cursor.seek([])
        var count = 0
        while cursor.isValid {
            if try database.value(cursor.key, in: 3)?.copied() == body { count += 1 }
            try cursor.next()
        }
        return count
    }
}

private final class Tally: Sendable {
    private let state = Mutex((right: 0, wrong: 0, isStopped: false))

    var isStopped: Bool { state.withLock { $0.isStopped } }
    var counts: (right: Int, wrong: Int) { state.withLock { ($0.right, $0.wrong) } }

    func stop() { state.withLock { $0.isStopped = true } }
    func add(isRight: Bool) {
        state.withLock { if isRight { $0.right += 1 } else { $0.wrong += 1 } }
    }
}
