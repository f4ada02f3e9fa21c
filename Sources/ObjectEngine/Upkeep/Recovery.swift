import DurableFiles
import RocksKit
import S3Types

/// Brings a directory from whatever state it was left in to one that an engine can work on.
///
/// The database has replayed its log by then. What remains are bytes that were written for bodies never committed: every
/// staged table, and every blob from the floor of the last mark on that no record names.
struct Recovery {
    /// The format of everything in Docs/Formats/keys.md.
    static let format: UInt64 = 1

    struct State {
        var epoch: UInt64
        var sequence: UInt64
        var nextBlob: UInt64
        var buckets: [BucketRecord]
    }

    let database: Database
    let sink: BlobSink
    let configuration: EngineConfiguration

    func run() throws(EngineError) -> State {
        try checkFormat()
        let epoch = try number(StoreKey.epoch)
        guard let epoch else { throw .damaged(.record(family: "system", cause: .truncated)) }
        let mark = try self.mark()
        try removeStaged()
        let lastBlob = try max(sweep(.blob, from: mark.blobFloor), sweep(.part, from: mark.blobFloor))
        return State(
            epoch: epoch, sequence: mark.sequence, nextBlob: max(mark.nextBlob, lastBlob + 1), buckets: try buckets())
    }

    /// What a database that was opened anew holds, in a process that has gone on: bodies in the making stay.
    func reread() throws(EngineError) -> (sequence: UInt64, buckets: [BucketRecord]) {
        try (mark().sequence, buckets())
    }

    // MARK: Facts

    /// Stamps a new directory; refuses one of another format.
    private func checkFormat() throws(EngineError) {
        if let found = try number(StoreKey.format) {
            guard found == Self.format else { throw .unsupportedFormat(found: found, supported: Self.format) }
            return
        }
        let epoch = configuration.randomNumber()
        try storing { () throws(RocksError) in
            var batch = WriteBatch(database)
            try batch.put(StoreKey.epoch, StoreKey.number(epoch), in: Family.system.rawValue)
            try batch.put(StoreKey.format, StoreKey.number(Self.format), in: Family.system.rawValue)
            try database.write(batch, isSynced: true)
        }
    }

    private func value(_ key: [UInt8]) throws(EngineError) -> [UInt8]? {
        try storing { () throws(RocksError) in try database.value(key, in: Family.system.rawValue)?.copied() }
    }

    private func number(_ key: [UInt8]) throws(EngineError) -> UInt64? {
        guard let bytes = try value(key) else { return nil }
        guard bytes.count == 8 else { throw .damaged(.record(family: "system", cause: .truncated)) }
        return StoreKey.number(at: 0, in: bytes)
    }

    private func mark() throws(EngineError) -> CommitMark {
        guard let bytes = try value(StoreKey.mark) else { return CommitMark(sequence: 0, blobFloor: 1, nextBlob: 1) }
        return try decoding(.system) { () throws(RecordError) in try CommitMark(decoding: bytes) }
    }

    private func buckets() throws(EngineError) -> [BucketRecord] {
        var records: [BucketRecord] = []
        var cursor = Cursor(database, family: Family.buckets.rawValue, lower: [], upper: nil)
        try storing { () throws(RocksError) in try cursor.seek([]) }
        while cursor.isValid {
            guard let text = String(validating: cursor.key, as: UTF8.self), let name = try? BucketName(text) else {
                throw .damaged(.key(family: "buckets"))
            }
            let bytes = cursor.value
            records.append(
                try decoding(.buckets) { () throws(RecordError) in try BucketRecord(name: name, decoding: bytes) })
            try storing { () throws(RocksError) in try cursor.next() }
        }
        return records
    }

    // MARK: Orphans

    private func removeStaged() throws(EngineError) {
        try filing { () throws(FileError) in
            for name in try sink.disk.list(sink.stagingDirectory) {
                try sink.disk.remove(sink.stagingDirectory + "/" + name)
            }
        }
    }

    /// Removes every blob from `floor` on that no record names, one seek a blob.
    ///
    /// - Returns: the highest id of which there were bytes, or zero.
    private func sweep(_ family: Family, from floor: UInt64) throws(EngineError) -> UInt64 {
        var last: UInt64 = 0
        var orphans: [BlobID] = []
        var cursor = Cursor(
            database, family: family.rawValue, lower: StoreKey.blob(BlobID(floor)), upper: nil, fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek(StoreKey.blob(BlobID(floor))) }
        while cursor.isValid {
            guard let value = StoreKey.number(at: 0, in: cursor.key), value < .max else {
                throw .damaged(.key(family: "\(family)"))
            }
            last = value
            let id = BlobID(value)
            let isNamed = try storing { () throws(RocksError) in
                guard let _ = try database.value(StoreKey.references(id), in: Family.references.rawValue) else {
                    return false
                }
                return true
            }
            // One that awaits the reclaimer is removed here already; removing it again does no harm.
            if !isNamed { orphans.append(id) }
            try storing { () throws(RocksError) in try cursor.seek(StoreKey.blob(BlobID(value + 1))) }
        }
        for id in orphans {
            try storing { () throws(RocksError) in
                if family == .part { try sink.removeTables(of: id) } else { try sink.removeChunks(of: id) }
            }
        }
        return last
    }
}
