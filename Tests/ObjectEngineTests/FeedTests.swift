import ObjectEngine
import S3Types
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct FeedTests {
    private func names(_ page: FeedPage) -> [String] { page.events.map { "\($0.kind) \($0.key)" } }

    @Test func theFeedIsExactlyTheHistoryAndResumesAcrossReopening() async throws {
        let fixture = EngineFixture()
        let (start, middle) = try await fixture.withEngine { engine in
            let bucket = try await engine.makeBucket()
            let other = try await engine.makeBucket("other-bucket")
            let start = try engine.feedHead(of: bucket)
            try await engine.put("a", [1], in: bucket)
            try await engine.put("elsewhere", [1], in: other)
            let source = try engine.object(key("a"), in: bucket)
            _ = try await engine.copyObject(from: source, to: key("b"), in: bucket, attributes: alice)
            _ = try? await engine.put("refused", [1], in: bucket, preconditions: WritePreconditions(ifMatch: .any))
            let middle = try engine.feedEvents(of: bucket, after: start, limit: 100).next
            _ = try await engine.deleteObjects(["a", "none", "b"].map { Deletion(key: key($0)) }, in: bucket)
            let upload = try await engine.createUpload(key("c"), in: bucket, attributes: alice)
            let part = try await engine.putPart(1, [7], of: upload)
            _ = try await engine.completeUpload(upload, parts: [CompletedPart(number: part.number, etag: part.etag)])
            return (start, middle)
        }
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            let all = [
                "createdPut a", "createdCopy b", "removedDelete a", "removedDelete b",
                "createdCompleteMultipartUpload c",
            ]
            #expect(names(try engine.feedEvents(of: bucket, after: start, limit: 100)) == all)
            #expect(names(try engine.feedEvents(of: bucket, after: middle, limit: 100)) == Array(all[2...]))
            // One at a time, from the text of each event's own cursor.
            var cursor = try #require(FeedCursor(start.description))
            var walked: [String] = []
            while case let page = try engine.feedEvents(of: bucket, after: cursor, limit: 1),
                let event = page.events.first
            {
                walked += names(page)
                #expect(page.isTruncated == (walked.count < all.count))
                cursor = try #require(FeedCursor(event.cursor.description))
            }
            #expect(walked == all)
            try await engine.put("d", [1], in: bucket)
            #expect(names(try engine.feedEvents(of: bucket, after: cursor, limit: 100)) == ["createdPut d"])
        }
    }

    @Test func foreignAndFutureCursorsHaveExpired() async throws {
        let foreign = try await EngineFixture().withEngine { engine in
            try engine.feedHead(of: try await engine.makeBucket())
        }
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            #expect { try engine.feedEvents(of: bucket, after: foreign, limit: 1) } throws: { expired($0) }
            var text = try engine.feedHead(of: bucket).description
            text.removeLast()
            #expect(FeedCursor(text) == nil)
            let future = try #require(FeedCursor(text + "f"))
            #expect { try engine.feedEvents(of: bucket, after: future, limit: 1) } throws: { expired($0) }
        }
        for text in [
            "", "x", String(repeating: "0", count: 33), String(repeating: "G", count: 32),
            String(repeating: "A", count: 32),
        ] {
            #expect(FeedCursor(text) == nil)
        }
    }

    @Test func eventsOlderThanTheRetentionExpireTheCursorsBeforeThem() async throws {
        let fixture = EngineFixture()
        let clock = ManualClock(1_000_000)
        let settings: @Sendable (inout EngineConfiguration) -> Void = {
            $0.now = { clock.value }
            $0.feedRetention = FeedRetention(ageMilliseconds: 500_000)
        }
        try await fixture.withEngine(settings) { engine in
            let bucket = try await engine.makeBucket()
            let start = try engine.feedHead(of: bucket)
            try await engine.put("old", [1], in: bucket)
            let afterOld = try engine.feedEvents(of: bucket, after: start, limit: 10).next
            clock.advance(600_000)
            try await engine.put("new", [1], in: bucket)
            await engine.settleReclaim()
            #expect { try engine.feedEvents(of: bucket, after: start, limit: 10) } throws: { expired($0) }
            #expect(names(try engine.feedEvents(of: bucket, after: afterOld, limit: 10)) == ["createdPut new"])
        }
    }

    @Test func aFeedThatTakesTooMuchSpaceLosesItsOlderHalf() async throws {
        let fixture = EngineFixture()
        let clock = ManualClock(1_000_000)
        let settings: @Sendable (inout EngineConfiguration) -> Void = {
            $0.now = { clock.value }
            $0.feedRetention = FeedRetention(limitBytes: 1)
        }
        let start = try await fixture.withEngine(settings) { engine in
            let bucket = try await engine.makeBucket()
            let start = try engine.feedHead(of: bucket)
            for index in 0..<40 { try await engine.put("key-\(index)", [1], in: bucket) }
            return start
        }
        // Closing has put the events into tables, whose size is what counts.
        try await fixture.withEngine(settings) { engine in
            let bucket = try engine.bucket(bucketName())
            let events = try engine.feedEvents(of: bucket, after: start, limit: 100).events
            #expect(events.count == 40)
            clock.advance(120_000)
            try await engine.put("last", [1], in: bucket)
            await engine.settleReclaim()
            #expect { try engine.feedEvents(of: bucket, after: start, limit: 100) } throws: { expired($0) }
            #expect { try engine.feedEvents(of: bucket, after: events[10].cursor, limit: 100) } throws: { expired($0) }
            let rest = try engine.feedEvents(of: bucket, after: events[25].cursor, limit: 100)
            #expect(names(rest) == (26..<40).map { "createdPut key-\($0)" } + ["createdPut last"])
        }
    }

    @Test func waitersWakeForTheirBucketAndLeaveWhenCancelled() async throws {
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            let start = try engine.feedHead(of: bucket)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        var cursor = start
                        var seen = 0
                        while seen < 50 {
                            try await engine.waitForEvents(of: bucket, after: cursor)
                            let page = try engine.feedEvents(of: bucket, after: cursor, limit: 7)
                            seen += page.events.count
                            cursor = page.next
                        }
                        return seen
                    }
                }
                for index in 0..<50 { try await engine.put("key-\(index)", [1], in: bucket) }
                for try await seen in group { #expect(seen == 50) }
            }
            let head = try engine.feedHead(of: bucket)
            let cancelled = Task { try await engine.waitForEvents(of: bucket, after: head) }
            cancelled.cancel()
            await #expect(throws: EngineError.self) { try await cancelled.value }
            // The end of the bucket wakes its followers, who then find it gone.
            async let ended: Void = engine.waitForEvents(of: bucket, after: head)
            for index in 0..<50 { try await engine.deleteObject(key("key-\(index)"), in: bucket) }
            try await engine.deleteBucket(bucket)
            try await ended
            #expect { try engine.feedEvents(of: bucket, after: head, limit: 1) } throws: { isNoSuchBucket($0) }
        }
    }
}

/// A clock that goes when it is told to.
final class ManualClock: Sendable {
    private let time: Mutex<Int64>

    init(_ milliseconds: Int64) { self.time = Mutex(milliseconds) }

    var value: Int64 { time.withLock { $0 } }

    func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

private func expired(_ error: any Error) -> Bool {
    if case .feedCursorExpired = error as? EngineError { true } else { false }
}
