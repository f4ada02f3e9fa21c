import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct BucketNameTests {
    @Test(arguments: ["abc", "models", "a.b-c", "0ab", "my-bucket.example.com", String(repeating: "a", count: 63)])
    func acceptsWhatS3Accepts(name: String) throws {
        #expect(try BucketName(name).text == name)
    }

    @Test(arguments: [
        "", "ab", "Abc", "a_b", "-ab", "ab-", ".ab", "ab.", "a..b", "a.-b", "a-.b", "192.168.5.4", "xn--abc", "a/b",
        "name-s3alias", "a\u{0}b", "ümlaut", String(repeating: "a", count: 64),
    ])
    func refusesWhatS3Refuses(name: String) {
        #expect(throws: ValueError.bucketName(name)) { try BucketName(name) }
    }
}
