import RocksKit
import Testing

@Suite(.timeLimit(.minutes(3))) struct WriteBatchTests {
    @Test func aBatchIsReadBeforeItIsWrittenAndHiddenUntilThen() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        try database.write([("old", [1]), ("gone", [2])])
        var batch = WriteBatch(database)
        try batch.put(Array("new".utf8), [3], in: 0)
        try batch.delete(Array("gone".utf8), in: 0)
        #expect(try batch.value(Array("old".utf8), in: 0)?.copied() == [1])
        #expect(try batch.value(Array("new".utf8), in: 0)?.copied() == [3])
        let gone = try batch.value(Array("gone".utf8), in: 0)?.copied()
        #expect(gone == nil)
        #expect(try database.bytes("new") == nil)
        #expect(try database.bytes("gone") == [2])
        var walked: [[UInt8]] = []
        try batch.walk(from: [], to: Array("z".utf8), in: 0) { key, _ in walked.append(key) }
        #expect(walked == ["new", "old"].map { Array($0.utf8) })
        try database.write(batch, isSynced: true)
        #expect(try database.bytes("new") == [3])
        #expect(try database.bytes("gone") == nil)
    }

    @Test func marksTakeBackExactlyWhatFollowedThem() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        var batch = WriteBatch(database)
        try batch.put([1], [1], in: 0)
        batch.mark()
        try batch.put([1], [2], in: 0)
        try batch.put([2], [2], in: 0)
        try batch.returnToMark()
        #expect(try batch.value([1], in: 0)?.copied() == [1])
        let second = try batch.value([2], in: 0)?.copied()
        #expect(second == nil)
        batch.mark()
        try batch.put([3], [3], in: 0)
        try batch.dropMark()
        try database.write(batch, isSynced: false)
        #expect(try database.value([1], in: 0)?.copied() == [1])
        #expect(try database.value([2], in: 0)?.copied() == nil)
        #expect(try database.value([3], in: 0)?.copied() == [3])
        batch.clear()
        let isEmpty = batch.isEmpty
        #expect(isEmpty)
    }

    @Test func emptinessSeesTheBatch() throws {
        let scratch = try Scratch()
        let database = try scratch.open()
        try database.write([("b", [1])])
        var batch = WriteBatch(database)
        let (lower, upper) = (Array("b".utf8), Array("c".utf8))
        #expect(try batch.holdsAnything(from: lower, to: upper, in: 0))
        try batch.delete(lower, in: 0)
        #expect(try !batch.holdsAnything(from: lower, to: upper, in: 0))
        try batch.put(Array("bb".utf8), [1], in: 0)
        #expect(try batch.holdsAnything(from: lower, to: upper, in: 0))
        #expect(try !batch.holdsAnything(from: lower, to: upper, in: 1))
    }

    @Test func aFailingDiskFailsTheWriteAndIsHeardOf() throws {
        let scratch = try Scratch()
        let faults = DiskFaults()
        var settings = DatabaseSettings()
        settings.faults = faults
        do {
            let database = try scratch.open(settings)
            try database.write([("kept", [1])], isSynced: true)
            try database.write([("unsynced", [2])], isSynced: false)
            faults.arm(countdown: 1, isFull: true)
            #expect { try database.write([("lost", [3])], isSynced: true) } throws: {
                ($0 as? RocksError)?.kind == .noSpace
            }
            #expect(database.backgroundErrors.count > 0)
            #expect(database.backgroundErrors.latest?.contains("injected") == true)
            #expect(faults.operationCount > 0)
        }
        try faults.loseUnsynced()
        let database = try scratch.open()
        #expect(try database.bytes("kept") == [1])
        #expect(try database.bytes("unsynced") == nil)
        #expect(try database.bytes("lost") == nil)
    }
}
