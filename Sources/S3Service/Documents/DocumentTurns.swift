import NIOCore
import S3Wire
import Synchronization

/// Has large documents read one after another, in the order in which they came.
///
/// However many clients send one at once, a single thread is with them, and the others are there for small requests. A request that
/// waits here holds no thread.
final class DocumentTurns: Sendable {
    /// Up to here a document is read at once: a tenth of a millisecond.
    static let smallBytes = 64 << 10

    private struct Line {
        var isTaken = false
        var waiting = CircularBuffer<CheckedContinuation<Void, Never>>()
    }

    private let line = Mutex(Line())

    /// How many documents wait while another is read.
    var waitingCount: Int { line.withLock { $0.waiting.count } }

    /// Reads a document of so many bytes, in its turn if that is large.
    func read<Document: Sendable>(
        byteCount: Int, _ body: () throws(S3Error) -> Document
    ) async throws(S3Error) -> Document {
        guard byteCount > Self.smallBytes else { return try body() }
        await take()
        defer { pass() }
        return try body()
    }

    /// Waits for the turn.
    func take() async {
        await withCheckedContinuation { continuation in
            let isNext = line.withLock { line in
                if line.isTaken {
                    line.waiting.append(continuation)
                    return false
                }
                line.isTaken = true
                return true
            }
            if isNext { continuation.resume() }
        }
    }

    /// Hands the turn to whoever has waited longest.
    func pass() {
        let next = line.withLock { line in
            let next = line.waiting.popFirst()
            line.isTaken = next != nil
            return next
        }
        next?.resume()
    }
}
