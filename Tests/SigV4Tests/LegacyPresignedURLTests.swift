import SigV4
import Testing

@Suite(.timeLimit(.minutes(3))) struct LegacyPresignedURLTests {
    private func verify(
        _ target: String, method: String = "GET", fields: [(name: String, value: String)] = [], bucket: String? = nil,
        now: Int64
    ) throws(SignatureError) -> VerifiedSignature {
        try Vectors.verifier(atSeconds: now).verify(
            RequestFacts(method: method, target: target, fields: [("host", "h")] + fields, hostedBucket: bucket))
    }

    private let published =
        "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"

    /// Source: "Signing and authenticating REST requests", the example of a query string request.
    @Test func acceptsThePublishedExampleUntilItExpires() throws {
        let verified = try verify(published, bucket: "johnsmith", now: 1_175_139_620)
        #expect((verified.place, verified.payload) == (.legacyQuery, .unsigned))
        #expect(throws: SignatureError.expired(atSeconds: 1_175_139_620, serverSeconds: 1_175_139_621)) {
            try verify(published, bucket: "johnsmith", now: 1_175_139_621)
        }
    }

    /// The example's other facts, each changed.
    @Test func bindsMethodPathBucketAndHeaders() {
        let now: Int64 = 1_175_139_600
        let changes: [(String, String, [(name: String, value: String)], String?)] = [
            ("PUT", published, [], "johnsmith"), ("GET", published.replacing("puppy", with: "kitty"), [], "johnsmith"),
            ("GET", published, [], "other"),
            ("GET", published, [], nil), ("GET", published, [("x-amz-acl", "private")], "johnsmith"),
            ("GET", published, [("content-type", "a/b")], "johnsmith"),
            ("GET", published + "&versionId=1", [], "johnsmith"),
            ("GET", published + "&response-content-type=x", [], "johnsmith"),
            ("GET", published + "&x-amz-meta-a=b", [], "johnsmith"),
            ("GET", published.replacing("Signature=N", with: "Signature=M"), [], "johnsmith"),
        ]
        for (method, target, fields, bucket) in changes {
            do {
                _ = try verify(target, method: method, fields: fields, bucket: bucket, now: now)
                Issue.record("accepted \(method) \(target)")
            } catch .mismatch {
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test func refusesWhatIsIncompleteOrGoodForTooLong() {
        for target in [
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE", "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=x",
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=1&Expires=2",
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=%2B1175139620",
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=\(Int64.min)",
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=\(Int64.max)",
            "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=\(1_175_139_620 + 7 * 86_400 + 1)",
        ] {
            do {
                _ = try verify(target, now: 1_175_139_620)
                Issue.record("accepted \(target)")
            } catch .malformedQuery {
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(throws: SignatureError.unknownAccessKey("nobody")) {
            try verify("/k?AWSAccessKeyId=nobody&Signature=a&Expires=9999999999", now: 1)
        }
        #expect(throws: SignatureError.unsupportedAlgorithm) {
            try verify(
                "/b?events=s3%3AObjectCreated%3A*&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=a&Expires=9", now: 1)
        }
    }
}
