import Foundation
import SigV4
import Testing

@Suite(.timeLimit(.minutes(3))) struct FeedTests {
    private struct Line: Decodable {
        struct Record: Decodable {
            struct S3: Decodable {
                struct Bucket: Decodable { var name: String }
                struct Object: Decodable {
                    var key: String
                    var size: Int?
                    var eTag: String?
                    var sequencer: String
                }
                var bucket: Bucket
                var object: Object
            }
            var eventName: String
            var s3: S3
        }
        var records: [Record]

        private enum CodingKeys: String, CodingKey { case records = "Records" }
    }

    /// A follower of the feed over a connection of its own.
    private final class Follower {
        private let connection: Connection
        let cursor: String

        init(_ store: RunningStore, _ query: String) throws {
            connection = try Connection(port: store.port)
            connection.send(try store.request("GET", "/models?\(query)"))
            let head = String(decoding: try #require(connection.read(through: Array("\r\n\r\n".utf8))), as: UTF8.self)
            try #require(head.hasPrefix("HTTP/1.1 200"), "\(head)")
            let field = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("x-lodestore-feed-cursor:") }
            cursor = String(try #require(field).split(separator: " ")[1])
        }

        /// The next chunk of the body: lines of events, or a space.
        func chunk() throws -> String {
            let size = String(decoding: try #require(connection.read(through: Array("\r\n".utf8))), as: UTF8.self)
            let count = try #require(Int(size.dropLast(1).filter { $0.isHexDigit }, radix: 16))
            return String(decoding: try #require(connection.read(count: count + 2)).dropLast(2), as: UTF8.self)
        }

        private var pending: [Line.Record] = []

        func next() throws -> Line.Record {
            while pending.isEmpty {
                for line in try chunk().split(separator: "\n") where line != " " {
                    pending += try JSONDecoder().decode(Line.self, from: Data(line.utf8)).records
                }
            }
            return pending.removeFirst()
        }
    }

    private static let all = "events=s3:ObjectCreated:*&events=s3:ObjectRemoved:*"

    @Test func followersHearEveryChangeOnceAndResume() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            try store.send("PUT", "/models/before", body: [1])
            let follower = try Follower(store, Self.all)
            try store.send("PUT", "/models/a%20b", body: [1, 2])
            try store.send("PUT", "/models/c", [("x-amz-copy-source", "models/a%20b")])
            try store.send("DELETE", "/models/c")
            let events = try (0..<3).map { _ in try follower.next() }
            #expect(
                events.map(\.eventName) == ["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectRemoved:Delete"])
            #expect(events.map(\.s3.object.key) == ["a%20b", "c", "c"])
            #expect(events.map(\.s3.object.size) == [2, 2, nil])
            #expect(events[0].s3.bucket.name == "models")

            let resumed = try Follower(store, "\(Self.all)&cursor=\(events[0].s3.object.sequencer)")
            #expect(try resumed.next().s3.object.sequencer == events[1].s3.object.sequencer)
            #expect(try resumed.next().s3.object.sequencer == events[2].s3.object.sequencer)
            let fromHead = try Follower(store, "\(Self.all)&cursor=\(follower.cursor)")
            #expect(try fromHead.next().s3.object.sequencer == events[0].s3.object.sequencer)
        }
    }

    @Test func filtersLeaveOutTheRestAndSilenceIsSpaces() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let follower = try Follower(store, "events=s3:ObjectCreated:Put&prefix=m/&suffix=.tar.gz")
            for key in ["x/model.tar.gz", "m/model.json", "m/model.tar.gz"] {
                try store.send("PUT", "/models/\(key)", body: [1])
            }
            try store.send("DELETE", "/models/m/model.tar.gz")
            #expect(try follower.next().s3.object.key == "m/model.tar.gz")
            #expect(try follower.chunk() == " ")
        }
    }

    @Test func cursorsThatAreNotOursAreGone() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            for cursor in ["junk", String(repeating: "0", count: 32)] {
                let reply = try store.send("GET", "/models?\(Self.all)&cursor=\(cursor)")
                #expect((reply.status, reply.code) == (410, "FeedCursorExpired"))
            }
            #expect(try store.send("GET", "/models?events=s3:Nonsense").code == "InvalidArgument")
            #expect(try store.send("GET", "/absent?events=s3:ObjectCreated:*").code == "NoSuchBucket")
        }
    }
}
