import RocksKit
import Synchronization

/// Drops the oldest events of each bucket, by age and, when all feeds together take too much space, by halves.
final class FeedTrimmer: Sendable {
    /// Looking costs a seek a bucket, so it is done at most this often.
    private static let periodMilliseconds: Int64 = 60_000

    private let database: Database
    private let buckets: BucketTable
    private let configuration: EngineConfiguration
    private let nextTime: Mutex<Int64>

    init(database: Database, buckets: BucketTable, configuration: EngineConfiguration) {
        self.database = database
        self.buckets = buckets
        self.configuration = configuration
        self.nextTime = Mutex(0)
    }

    func trimWhenDue() {
        let now = configuration.now()
        let isDue = nextTime.withLock { time in
            guard now >= time else { return false }
            time = now + Self.periodMilliseconds
            return true
        }
        guard isDue else { return }
        let halves = database.tableBytes(of: Family.feed.rawValue) > configuration.feedRetention.limitBytes
        for bucket in buckets.all {
            // What fails today is tried again in a minute; nothing depends on it.
            try? trim(bucket.id, before: now - configuration.feedRetention.ageMilliseconds, halves: halves)
        }
        if halves {
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
