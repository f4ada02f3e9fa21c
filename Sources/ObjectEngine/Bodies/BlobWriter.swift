import Digests
import RocksKit
import S3Types

/// What a body is written for.
package enum BlobPurpose: Sendable {
    /// A small one may stay in memory until the batch that commits it.
    case object
    /// A part of an upload, which another object's bytes will follow: always streamed.
    case part
}

/// Takes the bytes of one body as they arrive and puts them where they will stay, under ids that nothing names yet.
///
/// Up to one chunk is held in memory. Bodies announced as large become tables of their own; others go through the log,
/// until they turn out to be large. One task at a time. Dropped before ``finish()``, it leaves nothing behind.
package final class BlobWriter {
    /// Where the bytes of the extent in the making go.
    private enum Target {
        case undecided
        case blob(BlobID)
        case table(BlobID)
    }

    private let sink: BlobSink
    private let ids: BlobIDs
    private let room: Room
    private let generation: UInt64
    private let discard: @Sendable (BlobRemains) -> Void
    private let streamsFrom: Int
    private let ingestThresholdBytes: UInt64
    /// Whether the next extent is a table.
    private var isLarge: Bool

    private var buffer: [UInt8] = []
    private var target = Target.undecided
    private var table: TableWriter?
    private var chunkIndex: UInt32 = 0
    private var extentBytes: UInt64 = 0
    private var extents: [Extent] = []
    private var takenIDs: [BlobID] = []
    private var crc = CRC.crc64nvme.empty
    private var isFinished = false

    /// The bytes taken so far.
    package private(set) var sizeBytes: UInt64 = 0

    init(
        sink: BlobSink, ids: BlobIDs, room: Room, expectedSizeBytes: UInt64?, purpose: BlobPurpose,
        inlineLimitBytes: Int,
        ingestThresholdBytes: UInt64, discard: @escaping @Sendable (BlobRemains) -> Void
    ) {
        self.sink = sink
        self.ids = ids
        self.room = room
        self.generation = sink.database.generation
        self.discard = discard
        self.streamsFrom = purpose == .object ? inlineLimitBytes : 0
        self.ingestThresholdBytes = ingestThresholdBytes
        self.isLarge = (expectedSizeBytes ?? 0) >= ingestThresholdBytes
        let expected = min(expectedSizeBytes ?? UInt64(BlobSink.blobChunkBytes), UInt64(BlobSink.blobChunkBytes))
        self.buffer.reserveCapacity(isLarge ? BlobSink.partChunkBytes : Int(expected))
    }

    deinit {
        if !isFinished { discard(remains) }
    }

    private var remains: BlobRemains {
        var pending = extents
        if case .blob(let id) = target, chunkIndex > 0 {
            pending.append(
                Extent(
                    kind: .blob, id: id, sizeBytes: UInt64(chunkIndex) * UInt64(BlobSink.blobChunkBytes),
                    chunkBytes: UInt32(BlobSink.blobChunkBytes)))
        }
        return BlobRemains(ids: takenIDs, extents: pending)
    }

    private var chunkLimit: Int {
        switch target {
        case .undecided: isLarge ? BlobSink.partChunkBytes : BlobSink.blobChunkBytes
        case .blob: BlobSink.blobChunkBytes
        case .table: BlobSink.partChunkBytes
        }
    }

    /// Takes more of the body. May block on the disk.
    ///
    /// - Throws: the body is then lost; drop the writer.
    package func append(_ bytes: RawSpan) throws(EngineError) {
        precondition(!isFinished, "a finished body takes no more bytes")
        crc = CRC.crc64nvme.update(crc, bytes)
        sizeBytes += UInt64(bytes.byteCount)
        var rest = bytes
        while !rest.isEmpty {
            let room = chunkLimit - buffer.count
            let part = rest.extracting(first: min(room, rest.byteCount))
            unsafe part.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
            rest = rest.extracting(droppingFirst: part.byteCount)
            if buffer.count == chunkLimit {
                try admitChunk()
                try storing { () throws(RocksError) in try writeChunk() }
            }
        }
    }

    package func append(_ bytes: [UInt8]) throws(EngineError) {
        try unsafe append(bytes.span.bytes)
    }

    /// Ends the body. Blocks until its bytes are where they will stay, though not yet until they are durable: that is
    /// for the commit.
    package func finish() throws(EngineError) -> FinishedBlob {
        precondition(!isFinished, "a body ends once")
        let staysInMemory = takenIDs.isEmpty && buffer.count <= streamsFrom
        if !staysInMemory {
            try admitChunk()
            try storing { () throws(RocksError) in
                if !buffer.isEmpty { try writeChunk() }
                try closeExtent()
                try sink.ingest(extents.filter { $0.kind == .part }.map(\.id))
            }
        }
        isFinished = true
        let content: FinishedBlob.Content = staysInMemory ? .bytes(buffer) : .extents(extents)
        return FinishedBlob(
            content: content, sizeBytes: sizeBytes, crc: crc, generation: generation, ids: takenIDs, registry: ids,
            discard: discard)
    }

    // MARK: Chunks

    private func admitChunk() throws(EngineError) {
        let goesThroughLog =
            switch target {
            case .undecided: !isLarge
            case .blob: true
            case .table: false
            }
        try room.admit(UInt64(buffer.count) * (goesThroughLog ? Room.logFactor : 1))
    }

    private func writeChunk() throws(RocksError) {
        if case .undecided = target { try openExtent() }
        // Out of `self` while it is lent; its memory serves the next chunk.
        var chunk: [UInt8] = []
        swap(&chunk, &buffer)
        switch target {
        case .undecided: preconditionFailure("an extent was opened above")
        case .blob(let id): try unsafe sink.putChunk(chunk.span.bytes, index: chunkIndex, of: id)
        case .table(let id): try unsafe table?.put(StoreKey.chunk(chunkIndex, of: id), chunk.span.bytes)
        }
        chunkIndex += 1
        extentBytes += UInt64(chunk.count)
        chunk.removeAll(keepingCapacity: true)
        swap(&chunk, &buffer)
        try closeFullExtent()
    }

    private func openExtent() throws(RocksError) {
        let id = ids.take()
        takenIDs.append(id)
        if isLarge { table = try sink.newTable(for: id) }
        target = isLarge ? .table(id) : .blob(id)
    }

    /// Chunks of one extent have one size, so that an extent ends before the next chunk is gathered.
    private func closeFullExtent() throws(RocksError) {
        switch target {
        case .blob where extentBytes >= ingestThresholdBytes:
            // Larger than it seemed: the rest becomes tables.
            isLarge = true
            try closeExtent()
        case .table where extentBytes >= BlobSink.tableLimitBytes:
            try closeExtent()
        case .undecided, .blob, .table:
            break
        }
    }

    private func closeExtent() throws(RocksError) {
        switch target {
        case .undecided: return
        case .blob(let id):
            append(Extent(kind: .blob, id: id, sizeBytes: extentBytes, chunkBytes: UInt32(BlobSink.blobChunkBytes)))
        case .table(let id):
            _ = try table?.finish()
            table = nil
            sink.reached(.tableStaged)
            append(Extent(kind: .part, id: id, sizeBytes: extentBytes, chunkBytes: UInt32(BlobSink.partChunkBytes)))
        }
        target = .undecided
    }

    private func append(_ extent: Extent) {
        extents.append(extent)
        chunkIndex = 0
        extentBytes = 0
    }
}
