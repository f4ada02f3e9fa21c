import S3Types
import Testing

@testable import S3Client

@Suite(.timeLimit(.minutes(3))) struct AccessTests {
    @Test(arguments: [
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("https://s3.eu-west-1.amazonaws.com", "models.s3.eu-west-1.amazonaws.com"),
        ("http://[::1]:9000/", "[::1]:9000"), ("https://minio.example", "minio.example"),
    ]) func endpointsNameTheHost(url: String, authority: String) throws {
        #expect(try #require(S3Endpoint(url: url)).authority(bucket: BucketName("models")) == authority)
    }

    @Test(arguments: [
        "", "127.0.0.1:9000", "ftp://a", "http://", "http://a/b", "http://a:port", "http://a:99999", "http://u@a",
        "http://a b",
    ])
    func whatIsNoEndpointIsRefused(url: String) { #expect(S3Endpoint(url: url) == nil) }

    @Test func targetsAreEncodedAsTheyAreSigned() throws {
        let path = try #require(S3Endpoint(url: "http://h"))
        let bucket = try BucketName("models")
        #expect(
            path.target(bucket: bucket, key: try ObjectKey("a b/ü/../%"), query: []) == "/models/a%20b/%C3%BC/../%25")
        let query = [(name: "prefix", value: "a/b c"), (name: "list-type", value: "2")]
        #expect(path.target(bucket: bucket, key: nil, query: query) == "/models?prefix=a%2Fb%20c&list-type=2")
        let virtual = try #require(S3Endpoint(url: "http://h", addressing: .virtualHost))
        #expect(virtual.target(bucket: bucket, key: nil, query: []) == "/")
    }

    private let files = [
        "/h/.aws/credentials":
            "[default]\naws_access_key_id = A\naws_secret_access_key=S\n# no\n[train]\naws_access_key_id=B\naws_secret_access_key=T\naws_session_token=X\n",
        "/h/.aws/config": "[default]\nregion = eu-central-1\n[profile train]\nregion=eu-west-3\n; no\nbroken line\n",
    ]

    @Test func theEnvironmentWinsOverTheProfile() throws {
        let found = S3Credentials.found(
            environment: ["HOME": "/h", "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "F"], readFile: { files[$0] }
        )
        #expect(found == S3Credentials(accessKey: "E", secret: Secret("F"), region: "eu-central-1"))
    }

    @Test func emptyVariablesAreNotSet() throws {
        let environment = [
            "HOME": "/h", "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "F", "AWS_SESSION_TOKEN": "",
            "AWS_REGION": "",
        ]
        #expect(
            S3Credentials.found(environment: environment, readFile: { files[$0] })
                == S3Credentials(accessKey: "E", secret: Secret("F"), region: "eu-central-1"))
    }

    @Test func profilesAreReadFromBothFiles() throws {
        #expect(
            S3Credentials.found(environment: ["HOME": "/h"], readFile: { files[$0] })
                == S3Credentials(accessKey: "A", secret: Secret("S"), region: "eu-central-1"))
        #expect(
            S3Credentials.found(
                environment: ["HOME": "/h", "AWS_PROFILE": "train", "AWS_REGION": "x"], readFile: { files[$0] })
                == S3Credentials(accessKey: "B", secret: Secret("T"), sessionToken: Secret("X"), region: "x"))
        #expect(
            S3Credentials.found(environment: ["HOME": "/h", "AWS_PROFILE": "none"], readFile: { files[$0] }) == nil)
        #expect(S3Credentials.found(environment: [:], readFile: { _ in nil }) == nil)
    }

    @Test func waitsGrowWithJitterUpToTheLongest() {
        var policy = RetryPolicy()
        policy.random = { 0.5 }
        #expect((1...4).map { policy.wait(before: $0) } == [25, 50, 100, 200].map { .milliseconds($0) })
        #expect(policy.wait(before: 40) == policy.longest * 0.5)
    }
}
