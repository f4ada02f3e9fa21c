import HTTPKernel

/// What a transfer holds in memory, by how it is carried out. Docs/Operations.md has the same numbers, and a test compares them.
enum TransferCost {
    /// Beside the bytes: tasks, buffers' heads, what an allocator rounds up.
    private static let frameBytes = 16 << 10

    /// A download in large pieces: a chunk of a table, and what waits for the socket.
    static let swiftDownloadBytes = (1 << 20) + HTTPLimits.outputHighBytes + frameBytes
    /// A download piece by piece: the chunk is let go of while the client takes its piece.
    static let steadyPieceBytes = 256 << 10
    static let steadyDownloadBytes = steadyPieceBytes + frameBytes
    /// The same with the smallest pieces, as for clients that are slow.
    static let leanPieceBytes = 64 << 10
    static let leanDownloadBytes = leanPieceBytes + frameBytes

    /// What has been read of a body and is in no chunk yet, beside its queue: a read on its way in, and one on its way to the chunk.
    private static let readBytes = 2 * HTTPLimits.receiveBytes

    /// An upload into a table of its own: the chunk being gathered, the block and the file's buffer behind it, and the body's queue.
    static let tableUploadBytes = (3 << 20) + HTTPLimits.bodyQueueBytes + readBytes
    /// An upload through the log: the chunk being gathered and the body's queue.
    static let chunkBytes = 256 << 10
    static let queuedUploadBytes = chunkBytes + HTTPLimits.bodyQueueBytes + readBytes
    /// The same, with nothing read ahead.
    static let leanUploadBytes = chunkBytes + readBytes
    /// From this size on a body becomes a table; the engine's threshold.
    static let tableThresholdBytes: UInt64 = 16 << 20

    /// So many events a follower of the feed gets at a time.
    static let feedPageCount = 16
    /// A follower: one batch of lines and the events that it is made from. A key of a kibibyte takes three in its line.
    static let followerBytes = feedPageCount * (5 << 10)

    /// Answers up to this size are bounded by the connection that they are sent on.
    static let freeAnswerBytes = 64 << 10
}
