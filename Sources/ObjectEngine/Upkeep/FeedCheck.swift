import RocksKit
import S3Types

/// Holds objects and feed to each other: every change of an object left an event, from the floor of its bucket's feed on.
///
/// Memory grows with the keys that the feed tells of and that are not there any more.
struct FeedCheck {
    let database: Database
    let buckets: [BucketID: BucketRecord]
    /// Deleted buckets, whose events go after them.
    let awaited: Set<BucketID>
    let mark: CommitMark

    private(set) var eventCount = 0
    private(set) var problems: [CheckReport.Problem] = []

    init(database: Database, buckets: [BucketID: BucketRecord], awaited: Set<BucketID>, mark: CommitMark) {
        self.database = database
        self.buckets = buckets
        self.awaited = awaited
        self.mark = mark
    }

    mutating func run() {
        do throws(EngineError) {
            try strangers()
            for bucket in buckets.values.sorted(by: { $0.id < $1.id }) { try hold(bucket) }
        } catch {
            problems.append(.unreadable(family: "feed", message: "\(error)"))
        }
    }

    private func value(_ key: [UInt8], in family: Family) throws(EngineError) -> [UInt8]? {
        try storing { () throws(RocksError) in try database.value(key, in: family.rawValue)?.copied() }
    }

    /// Events of buckets that are not there: one seek a bucket.
    private mutating func strangers() throws(EngineError) {
        var cursor = Cursor(database, family: Family.feed.rawValue, lower: [], upper: nil, fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek([]) }
        while cursor.isValid {
            guard cursor.key.count == 16, let number = StoreKey.number(at: 0, in: cursor.key), number < .max else {
                return problems.append(.damage(.key(family: "feed")))
            }
            let id = BucketID(number)
            if buckets[id] == nil, !awaited.contains(id) { problems.append(.bucket(id)) }
            try storing { () throws(RocksError) in try cursor.seek(StoreKey.event(0, in: BucketID(number + 1))) }
        }
    }

    private mutating func hold(_ bucket: BucketRecord) throws(EngineError) {
        let floor =
            try value(StoreKey.feedFloor(bucket.id), in: .system).flatMap { StoreKey.number(at: 0, in: $0) } ?? 0
        /// The last that was told of keys whose object is not the one told of.
        var open: [ObjectKey: FeedEvent] = [:]
        let lower = StoreKey.event(floor, in: bucket.id)
        var cursor = Cursor(
            database, family: Family.feed.rawValue, lower: lower,
            upper: StoreKey.event(0, in: BucketID(bucket.id.value + 1)),
            fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek(lower) }
        while cursor.isValid, let sequence = StoreKey.number(at: 8, in: cursor.key) {
            eventCount += 1
            if sequence > mark.sequence {
                problems.append(.sequence(family: "feed", found: sequence, last: mark.sequence))
            }
            let bytes = cursor.value
            do throws(RecordError) {
                let event = try FeedEvent(cursor: FeedCursor(epoch: 0, sequence: sequence), decoding: bytes)
                let isThere = try? object(event.key, in: bucket).map { $0.sequence >= sequence } ?? false
                open[event.key] = isThere == true ? nil : event
            } catch {
                problems.append(.damage(.record(family: "feed", cause: error)))
            }
            try storing { () throws(RocksError) in try cursor.next() }
        }
        for event in open.values.sorted(by: { $0.cursor.sequence < $1.cursor.sequence })
        where event.kind != .removedDelete {
            problems.append(.lostObject(bucket: bucket.name, key: event.key, sequence: event.cursor.sequence))
        }
        try eventsOfObjects(in: bucket, from: floor)
    }

    private func object(_ key: ObjectKey, in bucket: BucketRecord) throws(EngineError) -> ObjectRecord? {
        guard let bytes = try value(StoreKey.object(key, in: bucket.id), in: .objects) else { return nil }
        return try decoding(.objects) { () throws(RecordError) in try ObjectRecord(decoding: bytes) }
    }

    private mutating func eventsOfObjects(in bucket: BucketRecord, from floor: UInt64) throws(EngineError) {
        let prefix = StoreKey.object(prefix: [], in: bucket.id)
        var cursor = Cursor(
            database, family: Family.objects.rawValue, lower: prefix, upper: StoreKey.successor(ofPrefix: prefix),
            fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek(prefix) }
        while cursor.isValid {
            // What does not decode is told of by the walk through the objects.
            if let record = try? ObjectRecord(decoding: cursor.value), record.sequence >= floor,
                let text = StoreKey.unescaped(cursor.key, from: 8)?.text, let key = try? ObjectKey(bytes: text),
                try value(StoreKey.event(record.sequence, in: bucket.id), in: .feed) == nil
            {
                problems.append(.lostEvent(bucket: bucket.name, key: key, sequence: record.sequence))
            }
            try storing { () throws(RocksError) in try cursor.next() }
        }
    }
}
