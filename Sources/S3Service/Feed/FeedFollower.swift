import HTTPKernel
import NIOCore
import ObjectEngine

/// Sends the events of a bucket from a cursor on, for as long as the client listens.
struct FeedFollower: Sendable {
    /// How many events are read at a time: they and the lines of them are what a follower holds.
    private static let pageLimit = 12
    /// How long a follower may take to notice that the server is draining.
    private static let tick = Duration.seconds(1)

    let engine: StorageEngine
    let bucket: BucketRecord
    let start: FeedCursor
    let filter: FeedFilter
    let keepAlive: Duration

    /// - Returns: how many bytes were sent, when the server is draining or the bucket has gone.
    /// - Throws: when the client has gone, or the events behind the cursor have.
    func follow(into writer: ResponseWriter, isDraining: () -> Bool) async throws -> UInt64 {
        var cursor = start
        var sentBytes: UInt64 = 0
        var silence = Duration.zero
        while !isDraining() {
            let page: FeedPage
            do { page = try engine.feedEvents(of: bucket, after: cursor, limit: Self.pageLimit) } catch EngineError
                .noSuchBucket
            { break }
            cursor = page.next
            let sent = try await send(
                page.events, isDue: silence >= keepAlive, into: writer, isDraining: isDraining)
            if sent > 0 { silence = .zero }
            sentBytes += sent
            guard !page.isTruncated else { continue }
            if try await !hasAdvanced(after: cursor) { silence += Self.tick }
        }
        try await writer.end()
        return sentBytes
    }

    /// Sends what is wanted of the events, a batch at a time: the next one is made when the client has the last.
    ///
    /// - Parameter isDue: it is time to send something, so that the client knows that it is not forgotten.
    private func send(
        _ events: [FeedEvent], isDue: Bool, into writer: ResponseWriter, isDraining: () -> Bool
    ) async throws -> UInt64 {
        var sentBytes: UInt64 = 0
        var lines = ByteBuffer()
        for event in events where filter.wants(event) {
            let line = feedLine(event, bucket: bucket)
            if lines.readableBytes + line.utf8.count > TransferCost.feedBatchBytes, lines.readableBytes > 0 {
                sentBytes += try await deliver(lines, into: writer, isDraining)
                lines = ByteBuffer()
            }
            lines.writeString(line)
        }
        if lines.readableBytes == 0, sentBytes == 0, isDue { lines.writeString(" ") }
        if lines.readableBytes > 0 { sentBytes += try await deliver(lines, into: writer, isDraining) }
        return sentBytes
    }

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
