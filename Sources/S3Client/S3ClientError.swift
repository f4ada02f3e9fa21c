package import S3Types

/// Why a request to an S3 did not give what was asked for, after all tries that made sense.
package enum S3ClientError: Error, Sendable, CustomStringConvertible {
    /// The credentials or their policy do not reach this: an operator must act.
    case accessDenied(code: String, message: String)
    case noSuchBucket
    case noSuchKey(ObjectKey)
    /// The object is not the one that was asked for any more (412): look again.
    case changed(ObjectKey)
    /// More bytes than the caller allows; nothing was kept.
    case tooLarge(sizeBytes: UInt64, limitBytes: UInt64)
    /// The bytes that came are not the ones that the store says it has: try again later, and report.
    case damaged(reason: String)
    /// Any other answer that is not a success.
    case service(status: Int, code: String, message: String)
    /// No whole answer came.
    case connection(cause: any Error)
    /// The answer is not what the protocol allows.
    case malformedAnswer(reason: String)
    /// This S3 has no change feed: poll.
    case noFeed
    /// The feed does not go back to the cursor: list, then follow from the head.
    case cursorExpired
    case cancelled

    package var description: String {
        switch self {
        case .accessDenied(let code, let message): "access denied (\(code)): \(message)"
        case .noSuchBucket: "the bucket does not exist"
        case .noSuchKey(let key): "no object has the key \(key)"
        case .changed(let key): "\(key) changed while it was read"
        case .tooLarge(let size, let limit): "the object has \(size) bytes; the limit is \(limit)"
        case .damaged(let reason): "the bytes are damaged: \(reason)"
        case .service(let status, let code, let message): "the store answered \(status) \(code): \(message)"
        case .connection(let cause): "no answer: \(cause)"
        case .malformedAnswer(let reason): "an answer that S3 does not give: \(reason)"
        case .noFeed: "this S3 has no change feed"
        case .cursorExpired: "the feed does not go back to the cursor"
        case .cancelled: "cancelled"
        }
    }

    /// Whether the same request may succeed a moment later.
    var isPassing: Bool {
        switch self {
        case .connection, .damaged: true
        case .service(let status, _, _): [408, 429, 500, 502, 503, 504].contains(status)
        default: false
        }
    }
}
