import HTTPKernel
import NIOCore
import ObjectEngine

/// Sends the events of a bucket from a cursor on, for as long as the client listens.
struct FeedFollower: Sendable {
    /// How many events are read at a time.
    private static let pageLimit = 500
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
            var lines = ByteBuffer()
            for event in page.events where filter.wants(event) { lines.writeString(feedLine(event, bucket: bucket)) }
            if lines.readableBytes == 0, silence >= keepAlive { lines.writeString(" ") }
            if lines.readableBytes > 0 {
                sentBytes += UInt64(lines.readableBytes)
                silence = .zero
                try await writer.write(lines)
            }
            guard !page.isTruncated else { continue }
            if try await !hasAdvanced(after: cursor) { silence += Self.tick }
        }
        try await writer.end()
        return sentBytes
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
