import RocksKit

/// Walks a range of a body, a chunk at a time. Keeps the object's bytes leased.
package struct BodyReader: Sendable {
    private let handle: ObjectHandle
    private var position: UInt64
    private let end: UInt64
    private var extentIndex = 0
    /// Where the current extent begins in the body.
    private var extentStart: UInt64 = 0

    init(_ handle: ObjectHandle, _ range: Range<UInt64>) {
        precondition(range.upperBound <= handle.record.sizeBytes, "a range within the body")
        self.handle = handle
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    /// How many bytes are still to come.
    package var remainingBytes: UInt64 { end - position }

    /// The next bytes, up to a chunk (1 MiB) of them; nil at the end. Blocks on the disk.
    ///
    /// - Parameter limitBytes: hands out no more of the chunk than this; the whole of it is read all the same.
    /// - Throws: ``EngineError/damaged(_:)`` where bytes are missing, ``EngineError/storage(_:)`` where the disk failed
    ///   or a checksum is wrong. Nothing that failed a check is handed out.
    package mutating func next(limitBytes: Int = .max) throws(EngineError) -> BodyChunk? {
        precondition(limitBytes > 0, "a chunk has bytes")
        guard position < end else { return nil }
        guard case .extents(let extents) = handle.record.body else { return inlineChunk(limitBytes) }
        while position >= extentStart + extents[extentIndex].sizeBytes {
            extentStart += extents[extentIndex].sizeBytes
            extentIndex += 1
        }
        let extent = extents[extentIndex]
        let offset = position - extentStart
        let index = UInt32(offset / UInt64(extent.chunkBytes))
        let first = Int(offset % UInt64(extent.chunkBytes))
        let size = extent.chunkSize(index)
        let last = min(size, first + min(limitBytes, Int(min(UInt64(size), end - position))))
        let found = try storing { () throws(RocksError) in
            try handle.sink.database.value(
                StoreKey.chunk(index, of: extent.id), in: extent.kind.family.rawValue, fillsCache: false)
        }
        guard let value = found, value.count == size else { throw .damaged(.chunk(extent.id, index: index)) }
        position += UInt64(last - first)
        return BodyChunk(pinned: value, range: first..<last)
    }

    /// Takes back the last bytes of the chunk that was handed out last: the next one begins with them.
    package mutating func goBack(_ count: Int) {
        precondition(count >= 0 && UInt64(count) <= position - extentStart, "bytes of the last chunk")
        position -= UInt64(count)
    }

    private mutating func inlineChunk(_ limitBytes: Int) -> BodyChunk {
        // Invariant: the handle was opened only with all of the bytes.
        let last = UInt64(clamping: min(Int(end - position), limitBytes)) + position
        let range = Int(position)..<Int(last)
        position = last
        return BodyChunk(bytes: handle.inlineBytes, range: range)
    }
}
