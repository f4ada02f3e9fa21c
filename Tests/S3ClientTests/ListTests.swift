import AsyncHTTPClient
import Foundation
import S3Types
import Testing

@testable import S3Client

@Suite(.timeLimit(.minutes(3))) struct ListTests {
    private func list(_ script: @escaping ScriptedServer.Script) async throws -> (
        objects: [ListedObject]?, error: S3ClientError?, lines: [String]
    ) {
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
        var objects: [ListedObject]?
        var failure: S3ClientError?
        do throws(S3ClientError) { objects = try await client.listObjects(prefix: "a/") } catch { failure = error }
        try await http.shutdown()
        return (objects, failure, server.requests.map(\.line))
    }

    private func page(_ keys: [String], next: String? = nil) -> [UInt8] {
        let contents = keys.map {
            "<Contents><Key>\($0)</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;abc&quot;</ETag><Size>7</Size></Contents>"
        }
        let tail =
            next.map { "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>" }
            ?? "<IsTruncated>false</IsTruncated>"
        return Array(
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(contents.joined())\(tail)</ListBucketResult>"
                .utf8)
    }

    @Test func everyPageIsReadAndKeysAreDecoded() async throws {
        let result = try await list { request in
            answer(200, [:], request.number == 0 ? page(["a/%C3%BC+1", "a/b"], next: "T=1") : page(["a/c%00"]))
        }
        #expect(result.error.map { "\($0)" } == nil)
        #expect(result.objects?.map(\.key.text) == ["a/ü 1", "a/b", "a/c\u{0}"])
        #expect(result.objects?.allSatisfy { $0.sizeBytes == 7 && $0.etag.text == "abc" } == true)
        #expect(
            result.lines.last!.contains("continuation-token=T%3D1") && result.lines.last!.contains("encoding-type=url"))
    }

    @Test func whatIsNoListingIsAnError() async throws {
        for body in [
            "", "<html>", "<Other/>", "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        ] {
            guard case .malformedAnswer? = try await list({ _ in answer(200, [:], Array(body.utf8)) }).error else {
                Issue.record("\(body) was taken for a listing")
                continue
            }
        }
        guard case .malformedAnswer? = try await list({ _ in answer(200, [:], page(["a/b"], next: "same")) }).error
        else {
            Issue.record("a listing that does not go on must end")
            return
        }
    }
}
