import Digests
import S3Types
import S3Wire
import SigV4
import Testing

@Suite(.timeLimit(.minutes(3))) struct BucketTests {
    @Test func bucketsComeAndGo() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            #expect(try store.send("PUT", "/models")["location"] == "/models")
            #expect(try store.send("PUT", "/models").status == 200, "one's own bucket again is no error in us-east-1")
            try store.send("PUT", "/artifacts")
            let list = try store.send("GET", "/")
            let names = list.document?.first("Buckets")?.all("Bucket").compactMap { $0.text(of: "Name") }
            #expect(names == ["artifacts", "models"])
            #expect(list.document?.first("Owner")?.text(of: "ID")?.count == 64)
            let first = try store.send("GET", "/?max-buckets=1").document
            #expect(first?.first("Buckets")?.all("Bucket").count == 1)
            let token = PercentEncoding.encode(first?.text(of: "ContinuationToken") ?? "", keepsSlash: false)
            let second = try store.send("GET", "/?max-buckets=1&continuation-token=\(token)").document
            #expect(second?.first("Buckets")?.all("Bucket").compactMap { $0.text(of: "Name") } == ["models"])
            #expect(second?.first("ContinuationToken") == nil)

            let head = try store.send("HEAD", "/models")
            #expect((head.status, head["x-amz-bucket-region"]) == (200, "us-east-1"))
            #expect(try store.send("HEAD", "/absent").status == 404)
            #expect(
                try store.send("GET", "/models?location").text.contains(
                    "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>"))
            #expect(try store.send("GET", "/models?versioning").document == XMLElement(name: "VersioningConfiguration"))
            try store.send("PUT", "/models/k", body: [1])
            let full = try store.send("DELETE", "/models")
            #expect((full.status, full.code) == (409, "BucketNotEmpty"))
            try store.send("DELETE", "/models/k")
            #expect(try store.send("DELETE", "/models").status == 204)
            #expect(try store.send("GET", "/models").code == "NoSuchBucket")
            #expect(try store.send("PUT", "/models/k", body: [1]).code == "NoSuchBucket")
        }
    }

    @Test func otherRegionsKeepTheirOwnRules() async throws {
        let signer = RequestSigner(accessKey: RunningStore.accessKey, secret: RunningStore.secret, region: "eu-west-1")
        try await RunningStore.with(region: "eu-west-1") { (store) async throws -> Void in
            func create(_ location: String) throws -> Reply {
                let body = Array(
                    "<CreateBucketConfiguration><LocationConstraint>\(location)</LocationConstraint></CreateBucketConfiguration>"
                        .utf8)
                return try store.send("PUT", "/models", body: body, signer: signer)
            }
            #expect(try create("us-west-2").code == "InvalidLocationConstraint")
            #expect(try create("eu-west-1").status == 200)
            #expect(try create("eu-west-1").code == "BucketAlreadyOwnedByYou")
            #expect(
                try store.send("GET", "/models?location", signer: signer).text.contains(
                    ">eu-west-1</LocationConstraint>"))
            #expect(try store.send("PUT", "/other", body: Array("<x/>".utf8), signer: signer).code == "MalformedXML")
        }
    }

    @Test func virtualHostsNameTheBucket() async throws {
        try await RunningStore.with(domains: ["s3.example.com"]) { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let fields = try RunningStore.signer.sign(
                method: "PUT", target: "/a/b", fields: [("host", "models.s3.example.com:9000")], payload: .unsigned,
                atSeconds: RunningStore.nowSeconds)
            #expect(try store.exchange(store.raw("PUT", "/a/b", fields, body: [1, 2])).status == 200)
            #expect(try store.send("GET", "/models/a/b").body == [1, 2])
        }
    }

    @Test func listingsPageInBothForms() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let keys = ["a", "b/1", "b/2", "c/1/x", "c/2", "d", "e+f g"]
            for key in keys {
                try store.send("PUT", "/models/" + PercentEncoding.encode(key, keepsSlash: true), body: Array(key.utf8))
            }

            for limit in 1...8 {
                var seen: [String] = []
                var token: String?
                repeat {
                    let more =
                        token.map { "&continuation-token=" + PercentEncoding.encode($0, keepsSlash: false) } ?? ""
                    let page = try #require(
                        try store.send("GET", "/models?list-type=2&delimiter=%2F&max-keys=\(limit)\(more)").document)
                    let names =
                        page.all("Contents").compactMap { $0.text(of: "Key") }
                        + page.all("CommonPrefixes").compactMap { $0.text(of: "Prefix") }
                    #expect(names.count <= limit)
                    #expect(page.text(of: "KeyCount") == String(names.count))
                    seen += names
                    token = page.text(of: "NextContinuationToken")
                    #expect(page.text(of: "IsTruncated") == (token == nil ? "false" : "true"))
                } while token != nil
                #expect(Set(seen) == ["a", "b/", "c/", "d", "e+f g"] && seen.count == 5, "in pages of \(limit)")

                var marker = ""
                seen = []
                while true {
                    let target =
                        "/models?max-keys=\(limit)&delimiter=%2F&marker=\(PercentEncoding.encode(marker, keepsSlash: false))"
                    let page = try #require(try store.send("GET", target).document)
                    seen +=
                        page.all("Contents").compactMap { $0.text(of: "Key") }
                        + page.all("CommonPrefixes").compactMap { $0.text(of: "Prefix") }
                    guard let next = page.text(of: "NextMarker") else { break }
                    marker = next
                }
                #expect(Set(seen) == ["a", "b/", "c/", "d", "e+f g"] && seen.count == 5, "V1 in pages of \(limit)")
            }
            let prefixed = try #require(
                try store.send("GET", "/models?list-type=2&prefix=c%2F&fetch-owner=true&start-after=c%2F1").document)
            #expect(prefixed.all("Contents").compactMap { $0.text(of: "Key") } == ["c/1/x", "c/2"])
            #expect(prefixed.all("Contents").allSatisfy { $0.first("Owner")?.text(of: "DisplayName") == "root" })
            let entry = try #require(prefixed.all("Contents").last)
            #expect(entry.text(of: "Size") == "3")
            #expect(entry.text(of: "ETag") == "\"\(hexadecimal(Digest.md5(Array("c/2".utf8))))\"")
            #expect(entry.text(of: "LastModified") == WireTime.iso8601(milliseconds: RunningStore.nowSeconds * 1000))
            #expect(entry.text(of: "StorageClass") == "STANDARD")
            #expect(
                try store.send("GET", "/models?encoding-type=url&prefix=e").document?.all("Contents").first?.text(
                    of: "Key") == "e%2Bf%20g")
            #expect(
                try store.send("GET", "/models?list-type=2&max-keys=0").document?.text(of: "IsTruncated") == "false")
            for (query, code) in [
                ("max-keys=x", "InvalidArgument"), ("max-keys=-1", "InvalidArgument"),
                ("encoding-type=x", "InvalidArgument"),
                ("list-type=2&continuation-token=", "InvalidArgument"),
                ("list-type=2&continuation-token=junk", "InvalidArgument"),
            ] {
                #expect(try store.send("GET", "/models?\(query)").code == code, "\(query)")
            }
        }
    }

    @Test func deleteObjectsAnswersForEachKey() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            for key in ["a", "b", "c"] { try store.send("PUT", "/models/\(key)", body: Array(key.utf8)) }
            func delete(_ inner: String, _ fields: [(name: String, value: String)]? = nil) throws -> Reply {
                let body = Array("<Delete>\(inner)</Delete>".utf8)
                return try store.send(
                    "POST", "/models?delete", fields ?? [("content-md5", base64(Digest.md5(body)))], body: body)
            }
            let long = String(repeating: "x", count: 1025)
            let reply = try delete(
                "<Object><Key>a</Key></Object><Object><Key>\(long)</Key></Object><Object><Key>b</Key><ETag>\"0\"</ETag></Object><Object><Key>absent</Key></Object>"
            )
            #expect(reply.document?.all("Deleted").compactMap { $0.text(of: "Key") } == ["a", "absent"])
            #expect(
                reply.document?.all("Error").compactMap { $0.text(of: "Code") } == [
                    "KeyTooLongError", "PreconditionFailed",
                ])
            #expect(try delete("<Object><Key>c</Key></Object><Quiet>true</Quiet>").document?.children.isEmpty == true)
            #expect(
                try store.send("GET", "/models").document?.all("Contents").compactMap { $0.text(of: "Key") } == ["b"])
            #expect(try delete("<Object><Key>b</Key></Object>", []).code == "InvalidRequest")
            #expect(
                try delete("<Object><Key>b</Key></Object>", [("content-md5", base64(Digest.md5([])))]).code
                    == "BadDigest")
            #expect(try delete("<Object></Object>").code == "MalformedXML")
            // Nearly four megabytes, of which no more than the first attributes are looked at.
            let bomb = "<Object " + (0..<300_000).map { "a\($0)=\"\" " }.joined() + "/>"
            #expect(try delete(bomb).code == "MalformedXML")
            #expect(try store.send("HEAD", "/models/b").status == 200)
        }
    }

    @Test func metricsCountCommitsAndNeedNoSignature() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            func changes() throws -> Double? {
                let page = try store.exchange(store.raw("GET", "/_lodestore/metrics", [("host", "h")]))
                #expect(page.status == 200)
                let name = "lodestore_engine_changes_total "
                let line = page.text.split(separator: "\n").first { $0.hasPrefix(name) }
                return line.flatMap { Double($0.dropFirst(name.count)) }
            }
            let before = try #require(try changes())
            #expect(try store.send("PUT", "/counted").status == 200)
            #expect(try #require(try changes()) > before)
        }
    }

    @Test func healthNeedsNoSignature() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            #expect(try store.exchange(store.raw("GET", "/_lodestore/health/live", [("host", "h")])).text == "ok\n")
            #expect(try store.exchange(store.raw("GET", "/_lodestore/health/ready", [("host", "h")])).status == 200)
            #expect(
                try store.exchange(store.raw("GET", "/_lodestore/health/other", [("host", "h")])).code == "AccessDenied"
            )
        }
    }
}
