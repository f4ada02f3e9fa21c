/// One write as it stands in a log: its place in RocksDB's own count of changes, and what it changes.
///
/// Source: `db/write_batch.cc` of RocksDB, "WriteBatch::rep_".
package struct LogBatch: Sendable {
    package enum Kind: Hashable, Sendable { case put, delete, deleteRange }

    package struct Entry: Sendable {
        /// The family's number, as ``Database/familyNumber(of:)`` tells it.
        package let family: UInt32
        package let kind: Kind
        package let key: ArraySlice<UInt8>
        /// Of a range, its end.
        package let value: ArraySlice<UInt8>
    }

    /// The place of the first entry in RocksDB's count; each takes one.
    package let sequence: UInt64
    package let entries: [Entry]

    /// Where a write begins in RocksDB's count and how many changes it says that it has.
    static func head(of record: [UInt8]) -> (sequence: UInt64, count: UInt32)? {
        var reader = FileNumbers(record)
        guard let sequence = reader.fixed(8), let count = reader.fixed(4) else { return nil }
        return (sequence, UInt32(count))
    }

    /// - Returns: nil for bytes that are no batch.
    package init?(_ record: [UInt8]) {
        guard let (sequence, count) = Self.head(of: record) else { return nil }
        var reader = FileNumbers(record, at: 12)
        var entries: [Entry] = []
        while let tag = reader.byte() {
            var family: UInt32 = 0
            switch tag {
            case 0x3:
                guard reader.text() != nil else { return nil }
                continue
            case 0xD: continue
            case 0x4, 0x5, 0x8, 0xE:
                guard let number = reader.varint(), number <= UInt32.max else { return nil }
                family = UInt32(number)
            case 0x0, 0x1, 0x7, 0xF: break
            default: return nil
            }
            guard let key = reader.text() else { return nil }
            let kind: Kind =
                switch tag {
                case 0x1, 0x5: .put
                case 0xE, 0xF: .deleteRange
                default: .delete
                }
            var value = key.upperBound..<key.upperBound
            if kind != .delete {
                guard let range = reader.text() else { return nil }
                value = range
            }
            entries.append(Entry(family: family, kind: kind, key: record[key], value: record[value]))
        }
        guard UInt64(entries.count) == count else { return nil }
        self.sequence = sequence
        self.entries = entries
    }
}
