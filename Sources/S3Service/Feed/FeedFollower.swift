import HTTPKernel
import NIOCore
import ObjectEngine

/// Sends the events of a bucket from a cursor on, for as long as the client listens.
struct FeedFollower: Sendable {
    /// How long a follower may take to notice that the server is draining.
    private static let tick = Duration.seconds(1)

    let engine: StorageEngine
    let bucket: BucketRecord
    let start: FeedCursor
    let filter: FeedFilter
    let keepAlive: Duration
    let turns: Turns

    /// - Returns: how many bytes were sent, when the server is draining or the bucket has gone.
    /// - Throws: when the client has gone, or the events behind the cursor have.
    func follow(into writer: ResponseWriter, isDraining: () -> Bool) async throws -> UInt64 {
        var cursor = start
        var sentBytes: UInt64 = 0
        var silence = Duration.zero
        while !isDraining() {
            let page: FeedPage
            let lines: ByteBuffer
            do {
                (page, lines) = try await turns.withTurn { () throws(EngineError) in try read(after: cursor) }
            } catch EngineError.noSuchBucket { break }
            cursor = page.next
            if lines.readableBytes > 0 {
                sentBytes += try await deliver(lines, into: writer, isDraining)
                silence = .zero
            } else if silence >= keepAlive {
                sentBytes += try await deliver(ByteBuffer(string: " "), into: writer, isDraining)
                silence = .zero
            }
            guard !page.isTruncated else { continue }
            if try await !hasAdvanced(after: cursor) { silence += Self.tick }
        }
        try await writer.end()
        return sentBytes
    }

    /// The next events, and the lines of those that are wanted.
    private func read(after cursor: FeedCursor) throws(EngineError) -> (FeedPage, ByteBuffer) {
        let page = try engine.feedEvents(of: bucket, after: cursor, limit: TransferCost.feedPageCount)
        var lines = ByteBuffer()
        for event in page.events where filter.wants(event) { lines.writeString(feedLine(event, bucket: bucket)) }
        return (page, lines)
    }

    /// Sends a batch, and waits until the client has it: the next is not in the channel before.
    private func deliver(
        _ lines: ByteBuffer, into writer: ResponseWriter, _ isDraining: () -> Bool
    ) async throws -> UInt64 {
        _ = try writer.enqueue(lines)
        while try await !writer.waitForRoom(below: 0) {
            // A client that reads nothing is not waited for: it comes again with its cursor.
            if isDraining() { throw CancellationError() }
        }
        return UInt64(lines.readableBytes)
    }

    /// Waits for more behind the cursor, but not longer than a tick.
    private func hasAdvanced(after cursor: FeedCursor) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                do throws(EngineError) { try await engine.waitForEvents(of: bucket, after: cursor) } catch {
                    guard case .cancelled = error else { throw error }
                    return false
                }
                return true
            }
            group.addTask {
                // Cancelled when events came first.
                try? await Task.sleep(for: Self.tick)
                return false
            }
            defer { group.cancelAll() }
            let first = try await group.next() ?? false
            try Task.checkCancellation()
            return first
        }
    }
}
