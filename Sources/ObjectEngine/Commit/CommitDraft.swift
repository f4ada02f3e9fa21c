import RocksKit
import S3Types

/// The batch in the making, and the store as it will be with it.
struct CommitDraft: ~Copyable {
    /// What happens in memory once the batch is on the disk.
    struct Effects {
        /// Nil for a bucket that went.
        var buckets: [BucketName: BucketRecord?] = [:]
        /// Blobs that records now name.
        var blobs: [FinishedBlob] = []
        /// The buckets that have new events, with the last one's sequence.
        var events: [BucketID: UInt64] = [:]
        var hasReclaimable = false
        /// Whether bytes lost their name, of whatever kind.
        var hasDeletions = false
        /// Of the batch, since 1970.
        var timeMilliseconds: Int64 = 0
    }

    private let database: Database
    private let buckets: BucketTable
    private var batch: WriteBatch
    private(set) var effects = Effects()
    private(set) var sequence: UInt64
    private var reclaimIndex: UInt32 = 0
    init(database: Database, buckets: BucketTable, sequence: UInt64) {
        self.database = database
        self.buckets = buckets
        self.batch = WriteBatch(database)
        self.sequence = sequence
    }

    var byteCount: Int { batch.byteCount }
    var isEmpty: Bool { batch.isEmpty }
    private var generation: UInt64 { database.generation }

    // MARK: The writer's side

    mutating func begin(timeMilliseconds: Int64) {
        batch.clear()
        effects = Effects(timeMilliseconds: timeMilliseconds)
        reclaimIndex = 0
    }

    var timeMilliseconds: Int64 { effects.timeMilliseconds }

    /// Decides one change, whole or not at all. Sequences that a refused change took are not given out again.
    mutating func decide(_ ticket: any Ticket) throws(EngineError) {
        let bucketsBefore = effects.buckets
        let blobCountBefore = effects.blobs.count
        batch.mark()
        let isAccepted = ticket.decide(&self)
        if !isAccepted {
            // A wake-up for an event that was taken back does no harm.
            effects.buckets = bucketsBefore
            effects.blobs.removeLast(effects.blobs.count - blobCountBefore)
        }
        try storing { () throws(RocksError) in
            if isAccepted { try batch.dropMark() } else { try batch.returnToMark() }
        }
    }

    /// Goes on behind a sequence that is on the disk. What was given out in memory is not given out again.
    mutating func resume(behind sequence: UInt64) {
        self.sequence = max(self.sequence, sequence)
    }

    mutating func write(_ mark: CommitMark, to database: Database) throws(EngineError) {
        try put(StoreKey.mark, mark.encoded, in: .system)
        try storing { () throws(RocksError) in try database.write(batch, isSynced: true) }
    }

    // MARK: Reading and writing

    func value(_ key: [UInt8], in family: Family) throws(EngineError) -> [UInt8]? {
        try storing { () throws(RocksError) in try batch.value(key, in: family.rawValue)?.copied() }
    }

    mutating func put(_ key: [UInt8], _ bytes: [UInt8], in family: Family) throws(EngineError) {
        try storing { () throws(RocksError) in try batch.put(key, bytes, in: family.rawValue) }
    }

    mutating func delete(_ key: [UInt8], in family: Family) throws(EngineError) {
        try storing { () throws(RocksError) in try batch.delete(key, in: family.rawValue) }
    }

    func holdsAnything(withPrefix prefix: [UInt8], in family: Family) throws(EngineError) -> Bool {
        guard let end = StoreKey.successor(ofPrefix: prefix) else { return false }
        return try storing { () throws(RocksError) in
            try batch.holdsAnything(from: prefix, to: end, in: family.rawValue)
        }
    }

    /// Every entry under a prefix, as a reader would find them with the batch written.
    func entries(withPrefix prefix: [UInt8], in family: Family) throws(EngineError) -> [(key: [UInt8], value: [UInt8])]
    {
        guard let end = StoreKey.successor(ofPrefix: prefix) else { return [] }
        return try storing { () throws(RocksError) in
            var entries: [(key: [UInt8], value: [UInt8])] = []
            try batch.walk(from: prefix, to: end, in: family.rawValue) { entries.append(($0, $1)) }
            return entries
        }
    }

    mutating func nextSequence() -> UInt64 {
        sequence += 1
        return sequence
    }

    // MARK: Buckets

    func bucket(_ name: BucketName) -> BucketRecord? {
        if let pending = effects.buckets[name] { return pending }
        return buckets[name]
    }

    /// - Throws: ``EngineError/noSuchBucket(_:)`` also when another bucket has the name by now.
    func require(_ bucket: BucketRecord) throws(EngineError) {
        guard self.bucket(bucket.name)?.id == bucket.id else { throw .noSuchBucket(bucket.name) }
    }

    mutating func set(_ bucket: BucketRecord) throws(EngineError) {
        try put(StoreKey.bucket(bucket.name), bucket.encoded, in: .buckets)
        effects.buckets[bucket.name] = .some(bucket)
    }

    mutating func remove(_ bucket: BucketRecord, sequence: UInt64) throws(EngineError) {
        try delete(StoreKey.bucket(bucket.name), in: .buckets)
        try reclaim(.bucket(bucket.id), sequence: sequence)
        effects.buckets[bucket.name] = .some(nil)
        effects.events[bucket.id] = .max
    }

    // MARK: Blobs

    /// Names the extents of a finished body: for the first time, unless the caller commits one body twice.
    ///
    /// - Throws: ``EngineError/sourceChanged`` when it was committed before and nothing names it any more.
    /// ``EngineError/recovering`` when the database was opened anew since its first byte: the disk had failed, and what was
    /// not synced by then may be gone.
    mutating func adopt(_ blob: FinishedBlob) throws(EngineError) {
        guard blob.generation == generation else { throw .recovering }
        if blob.wasCommitted { return try share(blob.extents) }
        for extent in blob.extents { try setReferences((references(to: extent.id) ?? 0) + 1, to: extent.id) }
        effects.blobs.append(blob)
    }

    /// Names extents that another record names already.
    ///
    /// - Throws: ``EngineError/sourceChanged`` when none does any more.
    mutating func share(_ extents: [Extent]) throws(EngineError) {
        for extent in extents {
            guard let count = try references(to: extent.id) else { throw .sourceChanged }
            try setReferences(count + 1, to: extent.id)
        }
    }

    /// Ends one naming of each extent; those that nothing names any more are left to the reclaimer.
    mutating func release(_ extents: [Extent], sequence: UInt64) throws(EngineError) {
        for extent in extents {
            guard let count = try references(to: extent.id) else {
                throw .damaged(.record(family: "references", cause: .truncated))
            }
            if count > 1 {
                try setReferences(count - 1, to: extent.id)
            } else {
                try delete(StoreKey.references(extent.id), in: .references)
                try reclaim(.extent(extent), sequence: sequence)
            }
        }
    }

    private func references(to id: BlobID) throws(EngineError) -> UInt64? {
        guard let bytes = try value(StoreKey.references(id), in: .references) else { return nil }
        guard bytes.count == 8, let count = StoreKey.number(at: 0, in: bytes), count > 0 else {
            throw .damaged(.record(family: "references", cause: .invalid(field: "count")))
        }
        return count
    }

    private mutating func setReferences(_ count: UInt64, to id: BlobID) throws(EngineError) {
        try put(StoreKey.references(id), StoreKey.number(count), in: .references)
    }

    private mutating func reclaim(_ entry: ReclaimEntry, sequence: UInt64) throws(EngineError) {
        effects.hasDeletions = true
        try put(StoreKey.reclaim(sequence: sequence, index: reclaimIndex), entry.encoded, in: .reclaim)
        reclaimIndex += 1
        effects.hasReclaimable = true
    }

    // MARK: Objects

    func object(_ key: ObjectKey, in bucket: BucketID) throws(EngineError) -> ObjectRecord? {
        guard let bytes = try value(StoreKey.object(key, in: bucket), in: .objects) else { return nil }
        return try decoding(.objects) { () throws(RecordError) in try ObjectRecord(decoding: bytes) }
    }

    /// Puts a record in the place of another and ends what the other named.
    mutating func set(
        _ record: ObjectRecord, key: ObjectKey, in bucket: BucketID, replacing old: ObjectRecord?
    ) throws(EngineError) {
        try put(StoreKey.object(key, in: bucket), record.encoded, in: .objects)
        if let old { try releaseBody(of: old, sequence: record.sequence) }
    }

    mutating func remove(_ key: ObjectKey, in bucket: BucketID, old: ObjectRecord, sequence: UInt64) throws(EngineError)
    {
        try delete(StoreKey.object(key, in: bucket), in: .objects)
        try releaseBody(of: old, sequence: sequence)
    }

    private mutating func releaseBody(of record: ObjectRecord, sequence: UInt64) throws(EngineError) {
        effects.hasDeletions = true
        switch record.body {
        case .empty: break
        case .inline(let id): try delete(StoreKey.inline(id), in: .inline)
        case .extents(let extents): try release(extents, sequence: sequence)
        }
    }

    /// Stores the body of a new record.
    ///
    /// - Parameter sequence: names the bytes of a small body; no other write has it.
    mutating func store(_ blob: FinishedBlob, sequence: UInt64) throws(EngineError) -> BodyLayout {
        switch blob.content {
        case .bytes(let bytes): return try store(bytes, sequence: sequence)
        case .extents(let extents):
            try adopt(blob)
            return extents.isEmpty ? .empty : .extents(extents)
        }
    }

    mutating func store(_ bytes: [UInt8], sequence: UInt64) throws(EngineError) -> BodyLayout {
        guard !bytes.isEmpty else { return .empty }
        try put(StoreKey.inline(sequence), bytes, in: .inline)
        return .inline(id: sequence)
    }

    // MARK: Feed

    mutating func announce(
        _ kind: FeedEvent.Kind, _ key: ObjectKey, in bucket: BucketID, sequence: UInt64, sizeBytes: UInt64, etag: ETag?,
        owner: String
    ) throws(EngineError) {
        let event = FeedEvent(
            cursor: FeedCursor(epoch: 0, sequence: sequence), kind: kind, key: key, sizeBytes: sizeBytes, etag: etag,
            timeMilliseconds: timeMilliseconds, owner: owner)
        try put(StoreKey.event(sequence, in: bucket), event.encoded, in: .feed)
        effects.events[bucket] = sequence
    }
}
