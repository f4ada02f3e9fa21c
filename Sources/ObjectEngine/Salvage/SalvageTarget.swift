import DurableFiles
import RocksKit

/// A new store that is filled with records as they were: buckets, blobs and commits keep their numbers.
struct SalvageTarget {
    let sink: BlobSink
    private let opening: StoreOpening
    private var copied: Set<BlobID> = []
    private var references: [BlobID: UInt64] = [:]
    private var highestBlob: UInt64 = 0

    init(_ opening: StoreOpening, disk: SystemDisk) throws(EngineError) {
        self.opening = opening
        let layout = opening.layout
        try filing { () throws(FileError) in try disk.makeDirectory(layout.staging, mode: 0o700) }
        var settings = DatabaseSettings()
        settings.creates = true
        settings.endsAtTornRecord = true
        settings.usesDirectIO = disk.supportsDirectIO(in: layout.staging)
        let database = try storing { () throws(RocksError) in
            try Database(path: layout.database, settings: settings, families: Family.allCases.map(\.settings))
        }
        self.sink = BlobSink(database: database, stagingDirectory: layout.staging, disk: disk, reached: { _ in })
    }

    func put(_ key: [UInt8], _ value: [UInt8], in family: Family) throws(EngineError) {
        try storing { () throws(RocksError) in
            try unsafe sink.database.put(key, value.span.bytes, in: family.rawValue)
        }
    }

    /// Copies the chunks of extents, once each, and counts that a record names them.
    mutating func adopt(_ extents: [Extent], from source: SalvageSource) throws(EngineError) {
        for extent in extents {
            if copied.insert(extent.id).inserted {
                try storing { () throws(RocksError) in try copy(extent, from: source) }
            }
            references[extent.id, default: 0] += 1
            highestBlob = max(highestBlob, extent.id.value)
        }
    }

    private func copy(_ extent: Extent, from source: SalvageSource) throws(RocksError) {
        func chunk(_ index: UInt32) throws(RocksError) -> [UInt8] {
            let found = try source.value(StoreKey.chunk(index, of: extent.id), in: extent.kind.family)
            guard let found, found.count == extent.chunkSize(index) else {
                throw RocksError(.corruption, "chunk \(index) of blob \(extent.id.value) is missing")
            }
            return found
        }
        switch extent.kind {
        case .blob:
            for index in 0..<extent.chunkCount {
                let bytes = try chunk(index)
                try unsafe sink.putChunk(bytes.span.bytes, index: index, of: extent.id)
            }
        case .part:
            var table = try sink.newTable(for: extent.id)
            for index in 0..<extent.chunkCount {
                let bytes = try chunk(index)
                try unsafe table.put(StoreKey.chunk(index, of: extent.id), bytes.span.bytes)
            }
            _ = try table.finish()
            try sink.ingest([extent.id])
        }
    }

    /// Writes the store's own facts and makes all of it durable; only with that is the directory a store.
    func finish(sequence: UInt64, nextBlob: UInt64, epoch: UInt64) throws(EngineError) {
        for (id, count) in references {
            try put(StoreKey.references(id), StoreKey.number(count), in: .references)
        }
        let next = max(nextBlob, highestBlob + 1)
        let mark = CommitMark(sequence: sequence, blobFloor: next, nextBlob: next)
        try put(StoreKey.epoch, StoreKey.number(epoch), in: .system)
        try put(StoreKey.mark, mark.encoded, in: .system)
        try put(StoreKey.format, StoreKey.number(Recovery.format), in: .system)
        try storing { () throws(RocksError) in
            try sink.database.syncLog()
            try sink.database.flush()
        }
        _ = try opening.finish(in: sink.database, epoch: epoch, sequence: sequence)
    }
}
