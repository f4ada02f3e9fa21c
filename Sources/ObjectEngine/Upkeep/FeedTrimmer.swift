import RocksKit
import Synchronization

/// When the feeds are looked through: once a minute, while anything is being written.
final class TrimSchedule: Sendable {
    private static let periodMilliseconds: Int64 = 60_000

    private let next = Atomic<Int64>(0)

    /// Whether it is time; the next one is then a period away. Called by the writer alone.
    func isDue(at milliseconds: Int64) -> Bool {
        guard milliseconds >= next.load(ordering: .relaxed) else { return false }
        next.store(milliseconds + Self.periodMilliseconds, ordering: .relaxed)
        return true
    }
}

/// Drops the oldest events of each bucket, by age and, when all feeds together take too much space, by halves.
struct FeedTrimmer: Sendable {
    let database: Database
    let buckets: BucketTable
    let retention: FeedRetention

    /// Costs a seek a bucket.
    func trim(at milliseconds: Int64) {
        let halves = database.tableBytes(of: Family.feed.rawValue) > retention.limitBytes
        for bucket in buckets.all {
            // What fails now is tried again in a minute; nothing depends on it.
            try? trim(bucket.id, before: milliseconds - retention.ageMilliseconds, halves: halves)
        }
        if halves {
            // Likewise: the space comes back a little later.
            try? database.compact(
                StoreKey.event(0, in: BucketID(0)), StoreKey.event(.max, in: BucketID(.max)), in: Family.feed.rawValue)
        }
    }

    private func trim(_ bucket: BucketID, before limit: Int64, halves: Bool) throws {
        let lower = StoreKey.event(0, in: bucket)
        let upper = StoreKey.event(.max, in: bucket)
        var cursor = Cursor(database, family: Family.feed.rawValue, lower: lower, upper: upper)
        try cursor.seek(lower)
        guard cursor.isValid, let first = StoreKey.number(at: 8, in: cursor.key) else { return }
        var floor = first
        if halves {
            try cursor.seekLast()
            guard cursor.isValid, let last = StoreKey.number(at: 8, in: cursor.key) else { return }
            floor = first + (last - first) / 2
            try cursor.seek(StoreKey.event(floor, in: bucket))
        }
        while cursor.isValid, let sequence = StoreKey.number(at: 8, in: cursor.key) {
            let event = try FeedEvent(cursor: FeedCursor(epoch: 0, sequence: sequence), decoding: cursor.value)
            floor = sequence
            guard event.timeMilliseconds < limit else { break }
            floor = sequence + 1
            try cursor.next()
        }
        guard floor > first else { return }
        // The floor first: a reader must never take a hole for the whole.
        var batch = WriteBatch(database)
        try batch.put(StoreKey.feedFloor(bucket), StoreKey.number(floor), in: Family.system.rawValue)
        try database.write(batch, isSynced: true)
        try database.deleteRange(lower, StoreKey.event(floor, in: bucket), in: Family.feed.rawValue)
    }
}
