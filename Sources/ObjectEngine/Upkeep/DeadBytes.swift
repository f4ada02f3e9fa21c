import RocksKit
import Synchronization

/// How many bytes of deleted middling bodies still take space, and when to make RocksDB give it back.
///
/// Deleting a chunk's key leaves its value in a blob file until a compaction meets the deletion. Left to itself that may
/// never happen, the keys being so few; so once the dead are more than the allowance and than half of the living, the
/// family is compacted and its blob files rewritten without them. Dead bytes stay below that bound, and each living byte
/// is rewritten no more often than two dead ones pay for.
final class DeadBytes: Sendable {
    private let sink: BlobSink
    private let allowanceBytes: UInt64
    private let count: Mutex<UInt64>

    init(sink: BlobSink, allowanceBytes: UInt64) {
        self.sink = sink
        self.allowanceBytes = allowanceBytes
        // A count that cannot be read starts anew; the space then comes back a little later.
        let stored = try? sink.database.value(StoreKey.deadBlobBytes, in: Family.system.rawValue)?.copied()
        self.count = Mutex(stored.flatMap { StoreKey.number(at: 0, in: $0) } ?? 0)
    }

    var bytes: UInt64 { count.withLock { $0 } }

    func add(_ bytes: UInt64) throws(RocksError) {
        try set(self.bytes + bytes)
    }

    private func set(_ bytes: UInt64) throws(RocksError) {
        count.withLock { $0 = bytes }
        let value = StoreKey.number(bytes)
        try unsafe sink.database.put(StoreKey.deadBlobBytes, value.span.bytes, in: Family.system.rawValue)
    }

    /// Compacts when the bound has been reached. Blocks for as long as that takes.
    func collectWhenDue() throws(RocksError) {
        let stored = sink.database.property("rocksdb.total-blob-file-size", of: Family.blob.rawValue) ?? 0
        let dead = bytes
        guard dead > allowanceBytes, dead > (stored - min(stored, dead)) / 2 else { return }
        try sink.database.compact(
            StoreKey.blob(BlobID(0)), StoreKey.blob(BlobID(.max)), in: Family.blob.rawValue)
        try set(0)
    }
}
