import DurableFiles
import RocksKit

/// Puts chunks into the database and takes them out again. Knows families, chunk keys and staged files; no records.
struct BlobSink: Sendable {
    /// Chunks that go through the log.
    static let blobChunkBytes = 256 << 10
    /// Chunks of tables that are ingested.
    static let partChunkBytes = 1 << 20
    /// A table is closed and another begun at this size.
    static let tableLimitBytes: UInt64 = 256 << 20

    let database: Database
    let stagingDirectory: String
    let disk: any Disk
    let reached: @Sendable (EnginePoint) -> Void

    func stagedPath(_ id: BlobID) -> String { "\(stagingDirectory)/\(id.value).sst" }

    func putChunk(_ bytes: RawSpan, index: UInt32, of id: BlobID) throws(RocksError) {
        try database.put(StoreKey.chunk(index, of: id), bytes, in: Family.blob.rawValue)
        reached(.chunkWritten)
    }

    func newTable(for id: BlobID) throws(RocksError) -> TableWriter {
        try TableWriter(database, family: Family.part.rawValue, path: stagedPath(id))
    }

    /// Moves the finished tables of these blobs in.
    func ingest(_ ids: [BlobID]) throws(RocksError) {
        guard !ids.isEmpty else { return }
        try database.ingest(ids.map(stagedPath), into: Family.part.rawValue)
        reached(.tablesIngested)
    }

    /// Takes the bytes of an extent away. Doing it twice, or where nothing is, does no harm.
    ///
    /// The deletions go through the log unsynced: whatever is written after them is lost before they are.
    func remove(_ extent: Extent) throws(RocksError) {
        switch extent.kind {
        case .blob:
            var batch = WriteBatch(database)
            for index in 0..<extent.chunkCount {
                try batch.delete(StoreKey.chunk(index, of: extent.id), in: Family.blob.rawValue)
            }
            try database.write(batch, isSynced: false)
        case .part:
            try removeTables(of: extent.id)
        }
    }

    /// Takes away the chunks of a blob of which nothing else is known.
    func removeChunks(of id: BlobID) throws(RocksError) {
        let end = StoreKey.blob(BlobID(id.value + 1))
        var batch = WriteBatch(database)
        var cursor = Cursor(
            database, family: Family.blob.rawValue, lower: StoreKey.blob(id), upper: end, fillsCache: false)
        try cursor.seek(StoreKey.blob(id))
        while cursor.isValid {
            try batch.delete(cursor.key, in: Family.blob.rawValue)
            try cursor.next()
        }
        try database.write(batch, isSynced: false)
    }

    func removeTables(of id: BlobID) throws(RocksError) {
        let next = BlobID(id.value + 1)
        try database.deleteFiles(StoreKey.blob(id), StoreKey.blob(next), in: Family.part.rawValue)
    }
}
