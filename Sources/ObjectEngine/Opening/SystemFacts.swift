import RocksKit

/// The store's own facts, as tables and logs together hold them.
struct SystemFacts: Hashable {
    var format: UInt64?
    var epoch: UInt64?
    var mark: CommitMark?

    /// What a database holds; of one that was opened without its logs, what its tables hold.
    static func values(in database: Database) throws(RocksError) -> [[UInt8]: [UInt8]] {
        var values: [[UInt8]: [UInt8]] = [:]
        for key in [StoreKey.format, StoreKey.epoch, StoreKey.mark] {
            values[key] = try database.value(key, in: Family.system.rawValue)?.copied()
        }
        return values
    }

    /// - Throws: for a value that does not decode. One that is missing is nil.
    init(_ values: [[UInt8]: [UInt8]]) throws(RecordError) {
        self.format = try Self.number(values[StoreKey.format])
        self.epoch = try Self.number(values[StoreKey.epoch])
        if let bytes = values[StoreKey.mark] { self.mark = try CommitMark(decoding: bytes) }
    }

    init() {}

    private static func number(_ bytes: [UInt8]?) throws(RecordError) -> UInt64? {
        guard let bytes else { return nil }
        guard bytes.count == 8 else { throw .truncated }
        return StoreKey.number(at: 0, in: bytes)
    }
}
