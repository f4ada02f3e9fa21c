import AsyncHTTPClient
import Digests
import Foundation
import S3Types
import Synchronization
import Testing

@testable import S3Client

@Suite(.timeLimit(.minutes(3))) struct S3ClientTests {
    private let key: ObjectKey

    init() throws { key = try ObjectKey("click/model.tar.gz") }
    /// 20 MiB in which no two ranges of 8 MiB are alike; made once, since a debug build takes its time.
    private static let sample = (0..<20).flatMap { megabyte in [UInt8](repeating: UInt8(megabyte), count: 1 << 20) }
    private var body: [UInt8] { Self.sample }

    /// Runs against a server with the script; waits between tries are recorded and not waited.
    private func withClient<Value>(
        _ script: @escaping ScriptedServer.Script, _ run: (S3Client, ScriptedServer) async throws -> Value
    ) async throws -> Value {
        let server = ScriptedServer(script)
        defer { server.stop() }
        let http = S3Client.httpClient()
        var retry = RetryPolicy()
        retry.pause = { _ in }
        let client = S3Client(
            endpoint: try #require(S3Endpoint(url: "http://127.0.0.1:\(server.port)")),
            bucket: try BucketName("models"),
            credentials: S3Credentials(accessKey: "AKID", secret: Secret("secret"), region: "us-east-1"), http: http,
            retry: retry,
            now: { 1_700_000_000 })
        do {
            let value = try await run(client, server)
            try await http.shutdown()
            return value
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    /// An S3 that holds one body and serves ranges of it.
    private func ranged(_ body: [UInt8], etag: String? = nil, _ request: ScriptedServer.Request) -> [UInt8] {
        let tag = etag ?? hexadecimal(Digest.md5(body))
        if let wanted = request.fields["if-match"], wanted != "\"\(tag)\"" { return answer(412) }
        guard let range = request.fields["range"].flatMap({ ByteRange(header: $0) }) else {
            return answer(200, ["etag": "\"\(tag)\""], body)
        }
        guard let bytes = range.resolved(sizeBytes: UInt64(body.count)) else { return answer(416) }
        let slice = Array(body[Int(bytes.lowerBound)..<Int(bytes.upperBound)])
        let span = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(body.count)"
        return answer(206, ["etag": "\"\(tag)\"", "content-range": span, "x-amz-version-id": "v1"], slice)
    }

    @Test(arguments: [0, 1, 8 << 20, (8 << 20) + 1, 20 << 20]) func objectsOfAnySizeComeWhole(count: Int) async throws {
        let body = Array(body[..<count])
        try await withClient {
            ranged(body, $0)
        } _: { client, server in
            let object = try await client.getObject(key, limitBytes: 64 << 20)
            #expect(object.bytes == body)
            #expect(object.etag.text == hexadecimal(Digest.md5(body)))
            #expect(
                server.requests.allSatisfy {
                    $0.fields["authorization"]?.hasPrefix("AWS4-HMAC-SHA256 Credential=AKID/") == true
                })
        }
    }

    @Test func laterRangesHoldOnToTheStateOfTheFirst() async throws {
        let other = body.map { ~$0 }
        await #expect {
            try await withClient {
                // By the range and not by the count of requests: the first may come again.
                $0.fields["range"]?.hasPrefix("bytes=0-") == true ? ranged(body, $0) : ranged(other, $0)
            } _: { client, _ in
                try await client.getObject(key, limitBytes: 64 << 20)
            }
        } throws: { if case .changed(key)? = $0 as? S3ClientError { true } else { false } }
    }

    @Test func aServerThatIgnoresConditionsOrRangesIsNotTrusted() async throws {
        let wanted = try ETag("0123")
        await #expect {
            try await withClient {
                answer(206, ["etag": "\"4567\"", "content-range": "bytes 0-0/1"], $0.number == 0 ? [1] : [2])
            } _: { client, _ in
                try await client.getObject(key, ifMatch: wanted, limitBytes: 10)
            }
        } throws: {
            if case .changed? = $0 as? S3ClientError { true } else { false }
        }
        for span in ["bytes 1-1/2", "bytes 0-5/1", "bytes 0-0/x", "0-0/1", ""] {
            await #expect {
                try await withClient { _ in
                    answer(206, ["etag": "\"0123\"", "content-range": span], [1])
                } _: { client, _ in
                    try await client.getObject(key, limitBytes: 10)
                }
            } throws: {
                if case .malformedAnswer? = $0 as? S3ClientError { true } else { false }
            }
        }
    }

    @Test func passingFailuresAreTriedAgainAndOthersAreNot() async throws {
        let small = Array(body[..<100])
        try await withClient {
            $0.number < 3 ? ($0.number == 1 ? nil : answer(503)) : ranged(small, $0)
        } _: { client, server in
            let object = try await client.getObject(key, limitBytes: 1000)
            #expect(object.bytes == small)
            #expect(server.requests.count == 4)
        }
        try await withClient { _ in
            answer(403, [:], Array("<Error><Code>AccessDenied</Code><Message>no</Message></Error>".utf8))
        } _: { client, server in
            await #expect { try await client.getObject(key, limitBytes: 1000) } throws: {
                if case .accessDenied("AccessDenied", "no")? = $0 as? S3ClientError { true } else { false }
            }
            #expect(server.requests.count == 1)
        }
        try await withClient { _ in
            answer(500)
        } _: { client, server in
            await #expect(throws: S3ClientError.self) { try await client.getObject(key, limitBytes: 1000) }
            #expect(server.requests.count == RetryPolicy().tryCount)
        }
    }

    @Test func bytesThatAreNotTheETagsAreRefused() async throws {
        let wrong = hexadecimal(Digest.md5([1]))
        await #expect {
            try await withClient {
                ranged([2], etag: wrong, $0)
            } _: { client, _ in
                try await client.getObject(key, limitBytes: 10)
            }
        } throws: { if case .damaged? = $0 as? S3ClientError { true } else { false } }
    }

    @Test func aChecksumOfTheWholeObjectIsCompared() async throws {
        let small = Array(body[..<1000])
        for (value, isRight) in [(small, true), (small.map { $0 ^ 1 }, false)] {
            let checksum = base64(CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(value)))
            let outcome = try await withClient { request in
                guard request.line.hasPrefix("HEAD") else { return ranged(small, etag: "0123-2", request) }
                return answer(
                    200,
                    ["x-amz-checksum-type": "FULL_OBJECT", "x-amz-checksum-crc64nvme": checksum, "etag": "\"0123-2\""])
            } _: { client, _ in
                try? await client.getObject(key, limitBytes: 10_000).bytes
            }
            #expect((outcome == small) == isRight)
        }
    }

    @Test func sizesAreLimitedBeforeTheBytesCome() async throws {
        await #expect {
            try await withClient {
                ranged(body, $0)
            } _: { client, _ in
                try await client.getObject(key, limitBytes: 1 << 20)
            }
        } throws: {
            if case .tooLarge(UInt64(20 << 20), UInt64(1 << 20))? = $0 as? S3ClientError { true } else { false }
        }
    }

    @Test func aShortBodyIsNotAnObject() async throws {
        let small = Array(body[..<100])
        await #expect(throws: S3ClientError.self) {
            try await withClient { request in
                let tag = hexadecimal(Digest.md5(small))
                return answer(
                    206, ["etag": "\"\(tag)\"", "content-range": "bytes 0-199/200", "connection": "close"], small,
                    length: 200)
            } _: { client, _ in
                try await client.getObject(key, limitBytes: 1000)
            }
        }
    }
}

@Suite(.timeLimit(.minutes(3))) struct FeedTests {
    private func line(_ name: String, _ key: String, _ sequencer: String) -> String {
        #"{"Records":[{"eventVersion":"2.1","eventName":"\#(name)","s3":{"bucket":{"name":"models"},"object":{"key":"\#(key)","size":3,"eTag":"abc","sequencer":"\#(sequencer)"}}}]}"#
            + "\n"
    }

    private func follow(
        _ script: @escaping ScriptedServer.Script, cursor: String? = nil
    ) async throws -> (head: [String], heard: [FeedNotice], target: String, error: S3ClientError?) {
        let server = ScriptedServer(script)
        defer { server.stop() }
        let http = S3Client.httpClient()
        var retry = RetryPolicy()
        retry.pause = { _ in }
        let client = S3Client(
            endpoint: try #require(S3Endpoint(url: "http://127.0.0.1:\(server.port)")),
            bucket: try BucketName("models"),
            credentials: S3Credentials(accessKey: "AKID", secret: Secret("secret"), region: "us-east-1"), http: http,
            retry: retry,
            now: { 1_700_000_000 })
        let heads = Mutex<[String]>([])
        let heard = Mutex<[FeedNotice]>([])
        var failure: S3ClientError?
        do throws(S3ClientError) {
            try await client.follow(prefix: "p/", after: cursor) { head in
                heads.withLock { $0.append(head) }
            } heard: { notices in
                heard.withLock { $0 += notices }
            }
        } catch {
            failure = error
        }
        try await http.shutdown()
        return (heads.withLock { $0 }, heard.withLock { $0 }, server.requests[0].line, failure)
    }

    @Test func noticesAndKeepAlivesAreToldApart() async throws {
        let text =
            "  " + line("s3:ObjectCreated:Put", "p%2Fa+b", "7") + "   \n \n"
            + line("s3:ObjectAccessed:Get", "p%2Fx", "8")
            + line("s3:ObjectRemoved:Delete", "p%2Fa+b", "9")
        let result = try await follow(
            { _ in
                answer(200, ["x-lodestore-feed-cursor": "5", "connection": "close"], Array(text.utf8))
            }, cursor: "4")
        #expect(result.error == nil)
        #expect(result.head == ["5"])
        #expect(result.heard.map(\.sequencer) == ["7", "9"])
        #expect(result.heard.map(\.change) == [.created, .removed])
        #expect(result.heard.first?.key.text == "p/a b")
        #expect(result.target.contains("cursor=4") && result.target.contains("events=s3%3AObjectCreated%3A%2A"))
    }

    @Test func aServerWithoutAFeedIsKnownByTheMissingField() async throws {
        for script: ScriptedServer.Script in [
            { _ in answer(200, [:], Array("<ListBucketResult/>".utf8)) }, { _ in answer(400) }, { _ in answer(403) },
            { _ in answer(501) },
        ] {
            let result = try await follow(script)
            guard case .noFeed? = result.error else {
                Issue.record("expected noFeed, got \(String(describing: result.error))")
                continue
            }
        }
    }

    @Test func anOldCursorAndBrokenLinesAreErrors() async throws {
        let expired = try await follow({ _ in answer(410) }, cursor: "1")
        guard case .cursorExpired? = expired.error else {
            Issue.record("expected cursorExpired")
            return
        }
        for text in ["{\n", "{\"Records\":[{]}\n", String(repeating: "x", count: 1 << 20) + "y\n"] {
            let broken = try await follow { _ in answer(200, ["x-lodestore-feed-cursor": "5"], Array(text.utf8)) }
            guard case .malformedAnswer? = broken.error else {
                Issue.record("expected malformedAnswer, got \(String(describing: broken.error))")
                continue
            }
        }
    }
}
