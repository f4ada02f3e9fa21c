import NIOCore

/// Follows a call's bytes from message to message and keeps none of them: each message has a flag and its length in front, five
/// bytes. Source: "gRPC over HTTP2", Length-Prefixed-Message.
struct MessageFraming {
    enum Event: Equatable {
        /// - Parameter isWhole: whether all of the message is in the bytes at hand.
        case begins(byteCount: Int, isWhole: Bool)
        case ends
    }

    private var prefixCount = 0
    private var byteCount = 0
    /// Of the message that has begun; nil between messages.
    private var missingCount: Int?

    private static let prefixSize = 5

    /// Whether part of a message has arrived, and not yet all.
    var isWithinMessage: Bool { prefixCount > 0 || missingCount != nil }

    /// What happens next in the bytes, which it consumes up to there; nil when they are used up.
    mutating func next(in bytes: inout ByteBuffer) -> Event? {
        if let missing = missingCount {
            let taken = min(missing, bytes.readableBytes)
            bytes.moveReaderIndex(forwardBy: taken)
            missingCount = missing - taken
            guard taken == missing else { return nil }
            missingCount = nil
            return .ends
        }
        while prefixCount < Self.prefixSize, let byte = bytes.readInteger(as: UInt8.self) {
            if prefixCount > 0 { byteCount = byteCount << 8 | Int(byte) }
            prefixCount += 1
        }
        guard prefixCount == Self.prefixSize else { return nil }
        let begun = byteCount
        (prefixCount, byteCount, missingCount) = (0, 0, begun)
        return .begins(byteCount: begun, isWhole: begun <= bytes.readableBytes)
    }
}
