import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension S3Client {
    /// The longest line of a feed that is read.
    private static let lineLimitBytes = 1 << 20
    private static let cursorField = "x-lodestore-feed-cursor"

    /// Follows the bucket's change feed until the connection ends.
    ///
    /// A connection on which nothing comes for 30 s, not even a keep-alive, has ended. The caller follows again from the last
    /// sequencer; nothing is lost and nothing comes twice.
    ///
    /// - Parameters:
    ///   - prefix: of the keys to hear of.
    ///   - cursor: resume after it; nil to hear what happens from now on.
    ///   - opened: told the head cursor once the feed is open. List after this, and before looking at the notices.
    ///   - heard: told each line's notices, in order.
    /// - Throws: ``S3ClientError/noFeed``, ``S3ClientError/cursorExpired``, or what went wrong with the connection.
    package func follow(
        prefix: String, after cursor: String?, opened: (String) async -> Void, heard: ([FeedNotice]) async -> Void
    ) async throws(S3ClientError) {
        var query = [
            ("events", "s3:ObjectCreated:*"), ("events", "s3:ObjectRemoved:*"), ("prefix", prefix), ("suffix", ""),
        ]
        if let cursor { query.append(("cursor", cursor)) }
        let request = try request(.GET, key: nil, query: query.map { (name: $0.0, value: $0.1) })
        let answer: Answer
        do throws(S3ClientError) {
            answer = try await send(request, key: nil, deadline: .distantFuture)
        } catch {
            switch error {
            case .service(410, _, _): throw .cursorExpired
            // A server that knows no such parameter may refuse it; one that is overloaded will know it later.
            case .service(let status, _, _) where (400..<500).contains(status) && !error.isPassing: throw .noFeed
            case .service(501, _, _): throw .noFeed
            // A policy may let a sidecar list and read, and not listen. If it may not list either, polling says so.
            case .accessDenied: throw .noFeed
            default: throw error
            }
        }
        // A server without a feed may take the request for a listing and answer 200.
        guard let head = answer.headers.first(name: Self.cursorField) else { throw .noFeed }
        await opened(head)
        var line: [UInt8] = []
        do {
            for try await piece in answer.body {
                for byte in piece.readableBytesView {
                    if byte != UInt8(ascii: "\n") {
                        line.append(byte)
                        guard line.count <= Self.lineLimitBytes else {
                            throw S3ClientError.malformedAnswer(reason: "a line of the feed has no end")
                        }
                        continue
                    }
                    let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
                    if !text.isEmpty { await heard(try FeedNotice.notices(inLine: Array(text))) }
                    line.removeAll(keepingCapacity: true)
                }
            }
        } catch {
            throw Self.failure(error)
        }
    }
}
