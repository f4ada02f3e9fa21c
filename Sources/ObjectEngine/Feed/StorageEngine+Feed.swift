import RocksKit
import S3Types

extension StorageEngine {
    /// A cursor at or behind everything that has been acknowledged. Take it, list, then follow from it.
    package func feedHead(of bucket: BucketRecord) throws(EngineError) -> FeedCursor {
        try requireCurrent(bucket)
        return FeedCursor(epoch: epoch, sequence: feed.published)
    }

    /// The events of a bucket behind a cursor, oldest first; exactly its history.
    ///
    /// - Throws: ``EngineError/feedCursorExpired`` when the cursor is of another store or events behind it are gone.
    package func feedEvents(
        of bucket: BucketRecord, after cursor: FeedCursor, limit: Int
    ) throws(EngineError) -> FeedPage {
        try requireCurrent(bucket)
        // Read before the events are: what is on the disk by now is in the page, or the page says that it is not all.
        let published = feed.published
        guard cursor.epoch == epoch, cursor.sequence <= published else { throw .feedCursorExpired }
        var events: [FeedEvent] = []
        var isTruncated = false
        let lower = StoreKey.event(cursor.sequence + 1, in: bucket.id)
        var walk = Cursor(
            database, family: Family.feed.rawValue, lower: lower, upper: StoreKey.event(published + 1, in: bucket.id))
        try storing { () throws(RocksError) in try walk.seek(lower) }
        while walk.isValid {
            if events.count >= limit {
                isTruncated = true
                break
            }
            events.append(try event(walk.key, walk.value))
            try storing { () throws(RocksError) in try walk.next() }
        }
        // After the walk, so that events trimmed under it are noticed.
        if let floor = try feedFloor(of: bucket), cursor.sequence + 1 < floor { throw .feedCursorExpired }
        let next = isTruncated ? events.last?.cursor ?? cursor : FeedCursor(epoch: epoch, sequence: published)
        return FeedPage(events: events, next: next, isTruncated: isTruncated)
    }

    /// Suspends until there may be more behind a cursor, or the bucket has gone, or the engine is closing.
    ///
    /// - Throws: ``EngineError/cancelled``.
    package func waitForEvents(of bucket: BucketRecord, after cursor: FeedCursor) async throws(EngineError) {
        guard await feed.wait(for: bucket.id, after: cursor.sequence) else { throw .cancelled }
    }

    private func event(_ key: [UInt8], _ value: [UInt8]) throws(EngineError) -> FeedEvent {
        guard key.count == 16, let sequence = StoreKey.number(at: 8, in: key) else {
            throw .damaged(.key(family: "feed"))
        }
        return try decoding(.feed) { () throws(RecordError) in
            try FeedEvent(cursor: FeedCursor(epoch: epoch, sequence: sequence), decoding: value)
        }
    }

    private func feedFloor(of bucket: BucketRecord) throws(EngineError) -> UInt64? {
        guard let bytes = try value(StoreKey.feedFloor(bucket.id), in: .system) else { return nil }
        return StoreKey.number(at: 0, in: bytes)
    }
}
