import HTTPKernel
import NIOCore
import ObjectEngine

/// Sends an object's bytes as they are read, and holds no more of them than its share of memory allows.
///
/// A client that keeps up has a chunk of a table and half a megabyte of it waiting for the socket. From one that has taken nothing
/// for a second the chunk is taken away, to be read again when it goes on, and until it has taken a megabyte without a pause it gets
/// small pieces, between which nothing is held. So do all when the account of memory has no more to give.
struct Download {
    /// Pieces that stay in the processor's cache.
    private static let pieceBytes = 256 << 10
    /// So much is sent in small pieces after a pause of the client.
    private static let cautiousBytes = 1 << 20

    let writer: ResponseWriter
    /// Holds what the smallest pieces need, at least.
    let share: MemoryShare
    var reader: BodyReader
    /// How many bytes are still to be sent in small pieces.
    private var cautionBytes = 0

    init(_ reader: BodyReader, into writer: ResponseWriter, share: MemoryShare) {
        self.reader = reader
        self.writer = writer
        self.share = share
    }

    /// Sends all of it; the head has been sent.
    mutating func send() async throws {
        while reader.remainingBytes > 0 {
            if cautionBytes == 0, share.resize(to: TransferCost.swiftDownloadBytes, for: .speed) {
                if try await sendChunk() { continue }
                // The chunk is gone; what waits for the socket is not.
                _ = share.resize(to: HTTPLimits.outputHighBytes, for: .need)
                cautionBytes = Self.cautiousBytes
                _ = try await drain()
            } else if cautionBytes == 0, share.resize(to: TransferCost.steadyDownloadBytes, for: .ease) {
                try await sendPiece(TransferCost.steadyPieceBytes)
            } else {
                _ = share.resize(to: TransferCost.leanDownloadBytes, for: .need)
                try await sendPiece(TransferCost.leanPieceBytes)
            }
        }
    }

    /// Sends what of a chunk is still to come. False when the client has paused: the rest of it is then to be read again.
    private mutating func sendChunk() async throws -> Bool {
        guard let chunk = try reader.next() else { return true }
        var offset = 0
        while offset < chunk.count {
            let end = min(offset + Self.pieceBytes, chunk.count)
            let hasRoom = try writer.enqueue(Self.copy(of: chunk, offset..<end))
            offset = end
            guard !hasRoom, try await !writer.waitForRoom(below: HTTPLimits.outputLowBytes) else { continue }
            reader.goBack(chunk.count - offset)
            return false
        }
        return true
    }

    /// Sends a piece and waits until the client has it.
    private mutating func sendPiece(_ limitBytes: Int) async throws {
        let piece = try nextPiece(limitBytes)
        let count = piece.readableBytes
        _ = try writer.enqueue(piece)
        let isPrompt = try await drain()
        cautionBytes = isPrompt ? max(0, cautionBytes - count) : Self.cautiousBytes
    }

    /// The chunk that it is a part of is let go of when this returns.
    private mutating func nextPiece(_ limitBytes: Int) throws(EngineError) -> ByteBuffer {
        guard let chunk = try reader.next(limitBytes: limitBytes) else { return ByteBuffer() }
        return Self.copy(of: chunk, 0..<chunk.count)
    }

    /// Waits until nothing is unsent. Whether the client took something in each second of it.
    private func drain() async throws -> Bool {
        var isPrompt = true
        while try await !writer.waitForRoom(below: 0) { isPrompt = false }
        return isPrompt
    }

    private static func copy(of chunk: BodyChunk, _ range: Range<Int>) -> ByteBuffer {
        var piece = ByteBuffer()
        piece.reserveCapacity(range.count)
        chunk.withBytes { span in _ = piece.writeBytes(span.extracting(range)) }
        return piece
    }
}
