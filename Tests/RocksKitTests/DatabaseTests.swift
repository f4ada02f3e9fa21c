import Foundation
import RocksKit
import Testing

/// A directory for one database.
final class Scratch {
    let path = NSTemporaryDirectory() + "/lodestore-rocks-" + UUID().uuidString

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open(_ settings: DatabaseSettings = DatabaseSettings()) throws -> Database {
        var settings = settings
        settings.creates = true
        return try Database(
            path: path + "/db", settings: settings,
            families: [
                FamilySettings(name: "first", bloomBitsPerKey: 10), FamilySettings(name: "second"),
                FamilySettings(name: "tables", compresses: false, compactsAutomatically: false),
                FamilySettings(name: "blobs", compresses: false, blobThresholdBytes: 1000),
            ])
    }
}

extension Database {
    func bytes(_ key: String, in family: UInt32 = 0) throws -> [UInt8]? {
        try value(Array(key.utf8), in: family)?.copied()
    }

    func write(_ entries: [(String, [UInt8])], in family: UInt32 = 0, isSynced: Bool = false) throws {
        var batch = WriteBatch(self)
        for (key, value) in entries { try batch.put(Array(key.utf8), value, in: family) }
        try write(batch, isSynced: isSynced)
    }
}

@Suite(.timeLimit(.minutes(3))) struct DatabaseTests {
    @Test func valuesOutliveReopeningAndFamiliesAreApart() throws {
        let scratch = try Scratch()
        do {
            let database = try scratch.open()
            try database.write([("a", [1]), ("empty", [])], isSynced: true)
            try database.write([("a", [2])], in: 1)
        }
        let database = try scratch.open()
        #expect(try database.bytes("a") == [1])
        #expect(try database.bytes("empty") == [])
        #expect(try database.bytes("a", in: 1) == [2])
        #expect(try database.bytes("none") == nil)
    }

    @Test func aSecondOpeningIsRefusedAndSaysWhy() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        #expect { try scratch.open() } throws: { ($0 as? RocksError)?.kind == .inputOutput && "\($0)".contains("lock") }
        withExtendedLifetime(database) {}
    }

    @Test func aPinnedValueStaysWhenItsKeyIsWrittenOverAndItsFileCompactedAway() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        let key = Array("key".utf8)
        try database.write([("key", Array(repeating: 7, count: 100_000))], in: 3)
        try database.flush()
        let found = try database.value(key, in: 3)
        try database.write([("key", [1])], in: 3)
        try database.compact([0], [0xFF], in: 3)
        #expect(try database.bytes("key", in: 3) == [1])
        guard let value = found else {
            Issue.record("the key was written")
            return
        }
        #expect(value.count == 100_000)
        let isWhole = value.withBytes { span in span.withUnsafeBytes { $0.allSatisfy { $0 == 7 } } }
        #expect(isWhole)
    }

    @Test func cursorsKeepToTheirBoundsAndOrder() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        try database.write(["a", "b", "ba", "c", "d"].map { ($0, Array($0.utf8)) })
        var cursor = Cursor(database, family: 0, lower: Array("b".utf8), upper: Array("d".utf8))
        var seen: [String] = []
        try cursor.seek(Array("".utf8))
        while cursor.isValid {
            seen.append(String(decoding: cursor.key, as: UTF8.self))
            #expect(cursor.key == cursor.value)
            try cursor.next()
        }
        #expect(seen == ["b", "ba", "c"])
        try cursor.seekLast()
        #expect(cursor.key == Array("c".utf8))
        try cursor.seek(Array("bb".utf8))
        #expect(cursor.key == Array("c".utf8))
    }

    @Test func ingestedTablesAreReadAndDroppedByFile() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        for name in ["a", "b"] {
            var table = try TableWriter(database, family: 2, path: scratch.path + "/" + name)
            for index in 0..<10 {
                let chunk = Array(repeating: UInt8(index), count: 100_000)
                try table.put(Array("\(name)\(index)".utf8), chunk.span.bytes)
            }
            #expect(try table.finish() > 1_000_000)
        }
        try database.ingest(["a", "b"].map { scratch.path + "/" + $0 }, into: 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["db"])
        #expect(try database.bytes("a3", in: 2) == Array(repeating: 3, count: 100_000))
        let before = database.tableBytes(of: 2)
        try database.deleteFiles(Array("a".utf8), Array("b".utf8), in: 2)
        #expect(try database.bytes("a3", in: 2) == nil)
        #expect(try database.bytes("b3", in: 2) == Array(repeating: 3, count: 100_000))
        #expect(database.tableBytes(of: 2) < before * 2 / 3)
    }

    @Test func anIngestOfWhatIsNotThereLeavesTheDatabaseAsItWas() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        #expect(throws: RocksError.self) { try database.ingest([scratch.path + "/none"], into: 2) }
        try database.write([("a", [1])], isSynced: true)
        #expect(try database.bytes("a") == [1])
    }

    @Test func compactionGivesTheSpaceOfDeadBlobsBack() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        let blob = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        for index in 0..<20 { try database.write([("\(index + 10)", blob)], in: 3) }
        try database.flush()
        let full = try #require(database.property("rocksdb.total-blob-file-size", of: 3))
        var batch = WriteBatch(database)
        for index in 0..<19 { try batch.delete(Array("\(index + 10)".utf8), in: 3) }
        try database.write(batch, isSynced: false)
        try database.compact(Array("0".utf8), Array("99".utf8), in: 3)
        let left = try #require(database.property("rocksdb.total-blob-file-size", of: 3))
        #expect(full > 20 * 200_000)
        #expect(left < full / 10)
        #expect(try database.bytes("29", in: 3) == blob)
    }
}
