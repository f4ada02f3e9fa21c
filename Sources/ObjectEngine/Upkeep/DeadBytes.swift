import RocksKit
import Synchronization

/// How many bytes of deleted middling bodies still take space, and when to make RocksDB give it back.
///
/// Deleting a chunk's key leaves its value in a blob file until a compaction meets the deletion. Left to itself that may
/// never happen, the keys being so few; so once the dead are more than the allowance and than half of the living, the
/// family is compacted and its blob files rewritten without them. Dead bytes stay below that bound, and each living byte
/// is rewritten no more often than two dead ones pay for. Where the living would not fit beside themselves into half of
/// what is free, the dead stay until room is short, and go in steps then.
final class DeadBytes: Sendable {
    private let sink: BlobSink
    private let room: Room
    private let allowanceBytes: UInt64
    private let count: Mutex<UInt64>

    init(sink: BlobSink, room: Room, allowanceBytes: UInt64) {
        self.sink = sink
        self.room = room
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
        let living = stored - min(stored, dead)
        guard dead > allowanceBytes, dead > living / 2 else { return }
        // What lives is written anew before what was goes.
        guard living < room.freeBytes / 2 else { return }
        try sink.database.compact(
            StoreKey.blob(BlobID(0)), StoreKey.blob(BlobID(.max)), in: Family.blob.rawValue)
        try set(0)
    }

    // MARK: When room is short

    /// Brings the space of the deleted back now, in steps that each need no more room than there is. The reserve is open
    /// for that; the room takes it again before writes are taken.
    func relieve() {
        // A failure leaves the rest for later: RocksDB counts it, and the next deletion asks again.
        try? room.relieving { () throws(RocksError) in
            // Deletions that are in memory free nothing.
            try sink.database.flush()
            for family in [Family.inline, .objects, .feed] { try compactIfThereIsRoom(family) }
            try compactBlobs(share: 0)
            try rewriteOldestFirst()
            try set(garbageBytes)
        }
    }

    private func compactIfThereIsRoom(_ family: Family) throws(RocksError) {
        let bytes = sink.database.tableBytes(of: family.rawValue)
        guard bytes > 0, bytes < room.freeBytes else { return }
        try sink.database.compact([0], [UInt8](repeating: 0xFF, count: 9), in: family.rawValue)
    }

    /// Rewrites as many of the oldest blob files at a time as fit into half of what is free, and one wherever it fits at
    /// all, until nothing is dead.
    private func rewriteOldestFirst() throws(RocksError) {
        var stepCount = number("rocksdb.num-blob-files")
        while garbageBytes > 0, stepCount > 0 {
            let fileCount = number("rocksdb.num-blob-files")
            let largestBytes = min(Family.blobFileBytes, number("rocksdb.total-blob-file-size"))
            guard fileCount > 0, largestBytes > 0 else { return }
            let free = room.freeBytes
            let fitting = max(free / 2 / largestBytes, free > largestBytes + Self.marginBytes ? 1 : 0)
            guard fitting > 0 else { return }
            // A little more than the fraction, which RocksDB rounds down.
            try compactBlobs(share: min(1, (Double(fitting) + 0.5) / Double(fileCount)))
            stepCount -= min(stepCount, fitting)
        }
    }

    /// Beside a file that is rewritten: for the tables and the manifest that name it.
    private static let marginBytes: UInt64 = 8 << 20

    private func compactBlobs(share: Double) throws(RocksError) {
        try sink.database.compact(
            StoreKey.blob(BlobID(0)), StoreKey.blob(BlobID(.max)), in: Family.blob.rawValue, blobShare: share)
    }

    /// What RocksDB knows to be dead in blob files: exact once the deletions have been compacted.
    private var garbageBytes: UInt64 { number("rocksdb.live-blob-file-garbage-size") }

    private func number(_ property: String) -> UInt64 {
        sink.database.property(property, of: Family.blob.rawValue) ?? 0
    }
}
