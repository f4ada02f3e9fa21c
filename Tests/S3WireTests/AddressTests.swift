import S3Types
import S3Wire
import Testing

/// The address of a target as it stands in a request line.
private func address(_ target: String, host: String?, domains: [String]) throws(S3Error) -> S3Address {
    guard let parsed = RequestTarget(target) else { throw S3Error(.invalidURI) }
    return try S3Address(parsed, host: host, domains: domains)
}

@Suite(.timeLimit(.minutes(3))) struct S3AddressTests {
    @Test(
        arguments: [
            ("/", nil, nil), ("/models", "models", nil), ("/models/", "models", nil), ("/models/a/b", "models", "a/b"),
            ("/models//a", "models", "/a"), ("/models/../x", "models", "../x"),
            ("/models/a%20b%2Fc", "models", "a b/c"),
            ("/models/a+b", "models", "a+b"), ("/models/%00", "models", "\0"), ("/models?prefix=a", "models", nil),
        ] as [(String, String?, String?)])
    func readsPathStyle(target: String, bucket: String?, key: String?) throws {
        let address = try S3WireTests.address(target, host: "127.0.0.1:9000", domains: [])
        #expect(address.bucket?.text == bucket)
        #expect(address.key?.text == key)
    }

    @Test func readsVirtualHostStyleForItsDomainsOnly() throws {
        let domains = ["s3.example.com", "localhost"]
        let hosted = try address("/a/b", host: "Models.S3.example.com:9000", domains: domains)
        #expect(hosted.bucket?.text == "models")
        #expect(hosted.key?.text == "a/b")
        let dotted = try address("/", host: "a.b.localhost", domains: domains)
        #expect(dotted.bucket?.text == "a.b")
        #expect(dotted.key == nil)
        for host in ["s3.example.com", "models.other.com", "127.0.0.1:9000", "[::1]:9000"] {
            #expect(try address("/models/k", host: host, domains: domains).bucket?.text == "models")
        }
    }

    @Test func refusesWhatIsNoAddress() {
        func code(_ target: String) -> S3ErrorCode? {
            do {
                _ = try address(target, host: nil, domains: [])
                return nil
            } catch { return error.code }
        }
        #expect(code("http://host/x") == .invalidURI)
        #expect(code("/models/%zz") == .invalidURI)
        #expect(code("/models/%FF") == .invalidURI)
        #expect(code("/models?prefix=%FF") == .invalidURI)
        #expect(code("/UPPER") == .invalidBucketName)
        #expect(code("/%FF/x") == .invalidBucketName)
        #expect(code("/models/" + String(repeating: "a", count: 1025)) == .keyTooLong)
        #expect(code("/models/" + String(repeating: "a", count: 1024)) == nil)
    }

    @Test func decodesTheQuery() throws {
        let query = try address(
            "/b-b?prefix=a+b%2B&delimiter=%2F&uploads&x=1&x=2&&=v", host: nil, domains: []
        ).query
        #expect(query.first("prefix") == "a b+")
        #expect(query.first("delimiter") == "/")
        #expect(query.first("uploads") == "")
        #expect(query.all("x") == ["1", "2"])
        #expect(!query.contains("y"))
    }
}
