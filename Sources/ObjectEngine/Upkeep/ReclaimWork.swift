import DurableFiles
import RocksKit
import S3Types

/// What the reclaimer's thread does; see ``Reclaimer``.
struct ReclaimWork: Sendable {
    let sink: BlobSink
    let ids: BlobIDs
    let leases: Leases
    let writer: CommitWriter
    let dead: DeadBytes

    /// Clears away a body that was never committed.
    func discard(_ remains: BlobRemains) {
        do {
            for id in remains.ids { try sink.disk.remove(sink.stagedPath(id)) }
            for extent in remains.extents {
                try sink.remove(extent)
                if extent.kind == .blob { try dead.add(extent.sizeBytes) }
            }
        } catch {
            // The ids stay open, so that the next opening sweeps what is left.
            return
        }
        ids.settle(remains.ids)
    }

    /// Goes through the journal once. What fails or is leased stays in it.
    func lookThroughJournal() {
        var cursor = Cursor(sink.database, family: Family.reclaim.rawValue, lower: [], upper: nil)
        do throws(RocksError) {
            try cursor.seek([])
            while cursor.isValid {
                let key = cursor.key
                // An entry that does not decode stays, for the check to report.
                if let entry = try? ReclaimEntry(decoding: cursor.value), perform(entry) {
                    sink.reached(.bytesReclaimed)
                    var batch = WriteBatch(sink.database)
                    try batch.delete(key, in: Family.reclaim.rawValue)
                    try sink.database.write(batch, isSynced: false)
                }
                try cursor.next()
            }
            try dead.collectWhenDue()
        } catch {
            // RocksDB has counted it among its background errors or will fail the next commit; the journal keeps all.
            return
        }
    }

    /// - Returns: whether the entry is done with.
    private func perform(_ entry: ReclaimEntry) -> Bool {
        do {
            switch entry {
            case .extent(let extent):
                guard !leases.awaits(extent.id) else { return false }
                try sink.remove(extent)
                if extent.kind == .blob { try dead.add(extent.sizeBytes) }
            case .bucket(let id):
                try dropUploads(of: id)
                try dropFeed(of: id)
            }
            return true
        } catch {
            return false
        }
    }

    // MARK: A deleted bucket

    private func dropUploads(of bucket: BucketID) throws(EngineError) {
        let prefix = StoreKey.uploads(prefix: [], in: bucket)
        guard let end = StoreKey.successor(ofPrefix: prefix) else { return }
        var cursor = Cursor(sink.database, family: Family.uploads.rawValue, lower: prefix, upper: end)
        try storing { () throws(RocksError) in try cursor.seek(prefix) }
        while cursor.isValid {
            guard let location = UploadLocation(cursor.key) else { throw .damaged(.key(family: "uploads")) }
            _ = try waiting(for: DropUpload(location: location))
            try storing { () throws(RocksError) in try cursor.next() }
        }
    }

    private func dropFeed(of bucket: BucketID) throws(EngineError) {
        try storing { () throws(RocksError) in
            let end = StoreKey.event(0, in: BucketID(bucket.value + 1))
            try sink.database.deleteRange(StoreKey.event(0, in: bucket), end, in: Family.feed.rawValue)
            var batch = WriteBatch(sink.database)
            try batch.delete(StoreKey.feedFloor(bucket), in: Family.system.rawValue)
            try sink.database.write(batch, isSynced: false)
        }
    }

    /// Submits a change and blocks until it has been decided.
    private func waiting<Wanted: Change>(for change: Wanted) throws(EngineError) -> Wanted.Outcome {
        let results = BlockingQueue<Result<Wanted.Outcome, EngineError>>()
        writer.submit(change) { results.push($0) }
        guard let result = results.pop() else { throw .closed }
        return try result.get()
    }
}
