import ObjectEngine
import S3Wire

extension S3Service {
    /// The header that tells a client that this server has a feed, and where the feed's head was when it connected.
    static let feedCursorHeader = "x-lodestore-feed-cursor"

    /// The change feed of a bucket, compatible with MinIO's ListenNotification and resumable by `cursor`.
    func listenNotification(_ request: S3Request) throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        let filter = try FeedFilter(request.query)
        let head = try asking { () throws(EngineError) in try engine.feedHead(of: bucket) }
        var start = head
        if let text = request.query.first("cursor"), !text.isEmpty {
            guard let cursor = FeedCursor(text) else { throw S3Error(.feedCursorExpired) }
            start = cursor
            // So that an expired cursor is an error answer and not a broken stream.
            _ = try asking { () throws(EngineError) in try engine.feedEvents(of: bucket, after: cursor, limit: 1) }
        }
        let follower = FeedFollower(
            engine: engine, bucket: bucket, start: start, filter: filter, keepAlive: configuration.feedKeepAlive,
            turns: feedTurns)
        let fields = [(Self.feedCursorHeader, head.description), ("content-type", "text/event-stream")]
        return Answer(fields: fields, body: .feed(follower))
    }
}
