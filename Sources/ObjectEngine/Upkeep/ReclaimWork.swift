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

    /// How much of the journal is read at once.
    private static let pageLimit = 256

    /// Clears away a body that was never committed.
    ///
    /// - Returns: false when the disk failed; try again later. The ids stay open, so that else the next opening sweeps.
    func discard(_ remains: BlobRemains) -> Bool {
        do {
            for id in remains.ids { try sink.disk.remove(sink.stagedPath(id)) }
            for extent in remains.extents {
                try sink.remove(extent)
                if extent.kind == .blob { try dead.add(extent.sizeBytes) }
            }
        } catch {
            return false
        }
        ids.settle(remains.ids)
        return true
    }

    /// Goes through the journal once. What fails or is leased stays in it.
    func lookThroughJournal() {
        do throws(RocksError) {
            var start: [UInt8] = []
            while true {
                let page = try entries(from: start)
                for (key, value) in page {
                    // An entry that does not decode stays, for the check to report.
                    guard let entry = try? ReclaimEntry(decoding: value), perform(entry) else { continue }
                    sink.reached(.bytesReclaimed)
                    var batch = WriteBatch(sink.database)
                    try batch.delete(key, in: Family.reclaim.rawValue)
                    try sink.database.write(batch, isSynced: false)
                }
                guard page.count == Self.pageLimit, let last = page.last else { break }
                start = last.key + [0]
            }
            try dead.collectWhenDue()
        } catch {
            // RocksDB has counted it among its background errors or will fail the next commit; the journal keeps all.
            return
        }
    }

    /// A page, so that no cursor is open while an entry waits for the writer, who may wait for cursors to end.
    private func entries(from start: [UInt8]) throws(RocksError) -> [(key: [UInt8], value: [UInt8])] {
        var entries: [(key: [UInt8], value: [UInt8])] = []
        var cursor = Cursor(sink.database, family: Family.reclaim.rawValue, lower: start, upper: nil)
        try cursor.seek(start)
        while cursor.isValid, entries.count < Self.pageLimit {
            entries.append((cursor.key, cursor.value))
            try cursor.next()
        }
        return entries
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
        while let key = try first(of: .uploads, from: prefix, to: end) {
            guard let location = UploadLocation(key) else { throw .damaged(.key(family: "uploads")) }
            _ = try waiting(for: DropUpload(location: location))
        }
    }

    private func first(of family: Family, from lower: [UInt8], to upper: [UInt8]) throws(EngineError) -> [UInt8]? {
        try storing { () throws(RocksError) in
            var cursor = Cursor(sink.database, family: family.rawValue, lower: lower, upper: upper)
            try cursor.seek(lower)
            return cursor.isValid ? cursor.key : nil
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
