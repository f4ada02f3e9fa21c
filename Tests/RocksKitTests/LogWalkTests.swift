import Foundation
import RocksKit
import Testing

/// What is told of a log that RocksDB wrote, whole and damaged.
@Suite(.timeLimit(.minutes(3))) struct LogWalkTests {
    /// The bytes of a log with ten writes, one of them longer than a block.
    private func log() throws -> [UInt8] {
        let scratch = try Scratch()
        let database = try scratch.open()
        for number in 0..<10 {
            let size = number == 4 ? 70_000 : 300 + number
            // No zeros, which are what a disk shows of sectors that were never written.
            let value = (0..<size).map { UInt8(($0 * 31 + number) % 255 + 1) }
            try database.write([("key-\(number)", value)], in: 0, isSynced: true)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/db")
        let name = try #require(names.first { $0.hasSuffix(".log") })
        return Array(try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/db/" + name)))
    }

    private func walk(_ bytes: [UInt8]) -> (starts: [Int], records: [[UInt8]], broken: LogBreak?) {
        var starts: [Int] = []
        var records: [[UInt8]] = []
        let broken = LogWalk.walk(bytes.span.bytes) {
            starts.append($0)
            records.append($1)
        }
        return (starts, records, broken)
    }

    @Test func aWholeLogGivesEveryWrite() throws {
        let (_, records, broken) = walk(try log())
        #expect(broken == nil)
        let batches = try records.map { try #require(LogBatch($0)) }
        #expect(
            batches.map { $0.entries.map { String(decoding: $0.key, as: UTF8.self) } } == (0..<10).map { ["key-\($0)"] }
        )
        #expect(batches.allSatisfy { $0.entries.allSatisfy { $0.kind == .put && $0.value.count >= 300 } })
    }

    @Test func aLogThatIsCutAnywhereEndsInATornTailBehindItsLastWholeWrite() throws {
        let bytes = try log()
        let starts = walk(bytes).starts
        for end in stride(from: 1, to: bytes.count, by: 97) {
            let cut = walk(Array(bytes[..<end]))
            let whole = starts.filter { $0 < end }.count - (starts.contains(end) ? 0 : 1)
            #expect(cut.records.count == whole, "cut at \(end)")
            if let broken = cut.broken {
                #expect(broken.isTornTail && broken.recordStart == starts[whole], "cut at \(end)")
            }
        }
    }

    @Test func aChangedBitIsNeverTakenForATornTail() throws {
        let bytes = try log()
        let last = try #require(walk(bytes).starts.last)
        for position in Array(stride(from: 0, to: last, by: 211)) + Array(last..<last + 12) {
            for bit in position < last ? [position % 8] : Array(0..<8) {
                var changed = bytes
                changed[position] ^= 1 << UInt8(bit)
                guard let broken = walk(changed).broken else {
                    // The unused end of a block.
                    #expect(position % (32 << 10) > (32 << 10) - 7, "byte \(position), bit \(bit)")
                    continue
                }
                #expect(!broken.isTornTail, "byte \(position), bit \(bit): \(broken)")
                #expect(broken.fault.offset <= position && broken.recordStart <= broken.fault.offset)
            }
        }
    }

    @Test func sectorsThatNeverReachedTheDiskAreATornTail() throws {
        // The record that is longer than a block, as the last one.
        let whole = try log()
        let starts = walk(whole).starts
        let last = starts[4]
        var bytes = Array(whole[..<starts[5]])
        for position in last + 1000..<bytes.count { bytes[position] = 0 }
        let broken = try #require(walk(bytes).broken)
        #expect(broken.isTornTail && broken.recordStart == last)
    }

    // MARK: Logs within a log

    /// A batch of RocksDB's with one write.
    private func batch(_ sequence: UInt64, _ value: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = value.count
        repeat {
            length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return (0..<8).map { UInt8(truncatingIfNeeded: sequence >> UInt64(8 * $0)) } + [1, 0, 0, 0, 1, 1, 107] + length
            + value
    }

    /// Three writes, the second of which has a log as its value, with sequences before and behind its own.
    private func logWithinALog() -> (bytes: [UInt8], records: [[UInt8]]) {
        let planted = LogWalk.file(of: (1...40).map { batch($0 * 3, [UInt8](repeating: 7, count: 50)) })
        let records = [batch(10, [1, 2, 3]), batch(11, [9] + planted + [9, 9]), batch(12, [4, 5, 6])]
        return (LogWalk.file(of: records), records)
    }

    private func salvaged(_ bytes: [UInt8]) -> [[UInt8]] {
        var records: [[UInt8]] = []
        LogWalk.walkOverBreaks(bytes.span.bytes) { records.append($1) }
        return records
    }

    @Test func aLogInATornWriteIsNoSignOfLaterWrites() throws {
        let (bytes, records) = logWithinALog()
        let starts = walk(bytes).starts
        for end in stride(from: starts[1] + 1, to: starts[2], by: 13) {
            let cut = Array(bytes[..<end])
            let broken = try #require(walk(cut).broken)
            #expect(broken.isTornTail && broken.recordStart == starts[1], "cut at \(end): \(broken)")
            #expect(salvaged(cut) == [records[0]], "cut at \(end)")
        }
    }

    @Test func aLogInADamagedWriteIsNotSalvagedAsWrites() throws {
        let (bytes, records) = logWithinALog()
        let starts = walk(bytes).starts
        for position in stride(from: starts[1], to: starts[2], by: 1) {
            var changed = bytes
            changed[position] ^= 4
            let broken = try #require(walk(changed).broken, "byte \(position)")
            #expect(!broken.isTornTail && broken.resumesAt == starts[2], "byte \(position): \(broken)")
            #expect(salvaged(changed) == [records[0], records[2]], "byte \(position)")
        }
    }

    /// The part of a record in a later block stands at its start, and what follows it is found.
    @Test func aWriteOverSeveralBlocksCostsNoneBehindIt() throws {
        let planted = LogWalk.file(of: (1...900).map { batch($0 * 3, [UInt8](repeating: 7, count: 80)) })
        let records = [batch(10, [1]), batch(11, planted), batch(12, [2]), batch(13, [3])]
        let bytes = LogWalk.file(of: records)
        let starts = walk(bytes).starts
        for position in stride(from: starts[1] + 7, to: starts[2], by: 509) {
            var changed = bytes
            changed[position] ^= 4
            let found = salvaged(changed)
            #expect(found == [records[0], records[2], records[3]] || position % (32 << 10) < 7, "byte \(position)")
            #expect(found.allSatisfy(records.contains), "byte \(position)")
        }
    }
}
