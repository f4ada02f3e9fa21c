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
    /// Whether the directory has never been complete.
    let isNew: Bool

    func run() throws(EngineError) -> State {
        if isNew { try stamp() }
        let facts = try self.facts()
        // Seen by the inspection before the database was opened.
        guard let format = facts.format, let epoch = facts.epoch, let mark = facts.mark else {
            throw .damaged(.key(family: "system"))
        }
        guard format == Self.format else { throw .unsupportedFormat(found: format, supported: Self.format) }
        try removeStaged()
        let lastBlob = try max(sweep(.blob, from: mark.blobFloor), sweep(.part, from: mark.blobFloor))
        return State(
            epoch: epoch, sequence: mark.sequence, nextBlob: max(mark.nextBlob, lastBlob + 1),
            buckets: try BucketRecord.all(in: database))
    }

    /// What a database that was opened anew holds, in a process that has gone on: bodies in the making stay.
    func reread() throws(EngineError) -> (sequence: UInt64, buckets: [BucketRecord]) {
        guard let mark = try facts().mark else { throw .damaged(.key(family: "system")) }
        return (mark.sequence, try BucketRecord.all(in: database))
    }

    // MARK: Facts

    /// Writes the facts of a new directory, unless they were written before its making was interrupted.
    private func stamp() throws(EngineError) {
        guard try facts().format == nil else { return }
        let epoch = configuration.randomNumber()
        let mark = CommitMark(sequence: 0, blobFloor: 1, nextBlob: 1)
        try storing { () throws(RocksError) in
            var batch = WriteBatch(database)
            try batch.put(StoreKey.epoch, StoreKey.number(epoch), in: Family.system.rawValue)
            try batch.put(StoreKey.mark, mark.encoded, in: Family.system.rawValue)
            try batch.put(StoreKey.format, StoreKey.number(Self.format), in: Family.system.rawValue)
            try database.write(batch, isSynced: true)
        }
    }

    private func facts() throws(EngineError) -> SystemFacts {
        let values = try storing { () throws(RocksError) in try SystemFacts.values(in: database) }
        return try decoding(.system) { () throws(RecordError) in try SystemFacts(values) }
    }

    // MARK: Orphans

    private func removeStaged() throws(EngineError) {
        try filing { () throws(FileError) in
            for name in try sink.disk.list(sink.stagingDirectory) {
                try sink.disk.remove(sink.stagingDirectory + "/" + name)
            }
        }
    }

    /// Removes every blob from `floor` on that no record names.
    ///
    /// - Returns: the highest id of which there were bytes, or zero.
    private func sweep(_ family: Family, from floor: UInt64) throws(EngineError) -> UInt64 {
        let (orphans, last) = try Self.unnamed(family, from: floor, in: database)
        for id in orphans {
            try storing { () throws(RocksError) in
                if family == .part { try sink.removeTables(of: id) } else { try sink.removeChunks(of: id) }
            }
        }
        return last
    }

    /// Every blob from `floor` on that no record names, one seek a blob, and the highest id of which there are bytes.
    static func unnamed(
        _ family: Family, from floor: UInt64, in database: Database
    ) throws(EngineError) -> (orphans: [BlobID], last: UInt64) {
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
        return (orphans, last)
    }
}
