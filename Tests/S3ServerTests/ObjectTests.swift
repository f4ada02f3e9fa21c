import Digests
import S3Types
import S3Wire
import SigV4
import Testing

@Suite(.timeLimit(.minutes(3))) struct ObjectTests {
    @Test func putGetHeadAndDeleteGiveTheSameBytesBack() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            #expect(try store.send("PUT", "/models").status == 200)
            for size in [0, 1, 4096, 65_536, 65_537, 3 << 20] {
                let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let put = try store.send(
                    "PUT", "/models/k",
                    [("content-type", "text/x"), ("x-amz-meta-Colour", "red"), ("cache-control", "no-store")],
                    body: body)
                #expect(put.status == 200)
                let etag = "\"\(hexadecimal(Digest.md5(body)))\""
                #expect(put["etag"] == etag)
                #expect(put["x-amz-checksum-crc64nvme"] == base64(Digest.value(.crc64nvme, of: body.span.bytes)))
                #expect(put["x-amz-checksum-type"] == "FULL_OBJECT")
                let get = try store.send("GET", "/models/k")
                #expect(get.status == 200)
                #expect(get.body == body, "\(size) bytes")
                #expect(get["content-type"] == "text/x")
                #expect(get["x-amz-meta-colour"] == "red")
                #expect(get["cache-control"] == "no-store")
                #expect(get["x-amz-checksum-crc64nvme"] == nil)
                let head = try store.send("HEAD", "/models/k", [("x-amz-checksum-mode", "ENABLED")])
                #expect(head.status == 200)
                #expect(head["content-length"] == String(size))
                #expect(head["x-amz-checksum-crc64nvme"] == put["x-amz-checksum-crc64nvme"])
            }
            #expect(try store.send("DELETE", "/models/k").status == 204)
            #expect(try store.send("DELETE", "/models/k").status == 204)
            let gone = try store.send("GET", "/models/k")
            #expect(gone.status == 404)
            #expect(gone.code == "NoSuchKey")
            #expect(gone.document?.text(of: "Key") == "k")
            #expect(try store.send("HEAD", "/models/k").status == 404)
        }
    }

    @Test func everyAnswerCarriesItsIDs() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            for reply in [
                try store.send("GET", "/"), try store.send("GET", "/absent/k"),
                try store.exchange(Array("junk\r\n\r\n".utf8)),
            ] {
                #expect(reply["x-amz-request-id"]?.count == 16)
                #expect(reply["x-amz-id-2"] != nil)
                #expect(reply["server"] == "Lodestore")
                #expect(reply["date"] != nil)
            }
            let refused = try store.send("GET", "/absent/k?x=1")
            #expect(
                refused.document?.children.map(\.name) == [
                    "Code", "Message", "BucketName", "Resource", "RequestId", "HostId",
                ])
            #expect(refused.document?.text(of: "Resource") == "/absent/k")
            #expect(refused.document?.text(of: "RequestId") == refused["x-amz-request-id"])
        }
    }

    @Test func rangesConditionsAndOverrides() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let etag = try #require(try store.send("PUT", "/models/k", body: Array("0123456789".utf8))["etag"])
            let modified = WireTime.httpDate(milliseconds: RunningStore.nowSeconds * 1000)
            let earlier = WireTime.httpDate(milliseconds: RunningStore.nowSeconds * 1000 - 1000)

            let range = try store.send("GET", "/models/k", [("range", "bytes=2-4")])
            #expect((range.status, range.text, range["content-range"]) == (206, "234", "bytes 2-4/10"))
            #expect(try store.send("HEAD", "/models/k", [("range", "bytes=-3")])["content-length"] == "3")
            #expect(try store.send("GET", "/models/k", [("range", "bytes=1-2,4-5")]).status == 200)
            let beyond = try store.send("GET", "/models/k", [("range", "bytes=10-")])
            #expect((beyond.status, beyond.code) == (416, "InvalidRange"))

            let table: [(String, String, Int)] = [
                ("if-match", etag, 200), ("if-match", "\"0\"", 412), ("if-match", "*", 200),
                ("if-none-match", etag, 304),
                ("if-none-match", "\"0\"", 200), ("if-modified-since", modified, 304),
                ("if-modified-since", earlier, 200),
                ("if-unmodified-since", modified, 200), ("if-unmodified-since", earlier, 412),
                ("if-modified-since", "junk", 200),
            ]
            for (name, value, status) in table {
                let reply = try store.send("GET", "/models/k", [(name, value)])
                #expect(reply.status == status, "\(name): \(value)")
                if status == 304 { #expect(reply["etag"] == etag) }
                if status == 412 { #expect(reply.code == "PreconditionFailed") }
                #expect(try store.send("HEAD", "/models/k", [(name, value)]).status == status)
            }
            let override = try store.send(
                "GET", "/models/k?response-content-type=a%2Fb&response-cache-control=no-cache&response-expires=never")
            #expect(override["content-type"] == "a/b")
            #expect(override["cache-control"] == "no-cache")
            #expect(override["expires"] == "never")
        }
    }

    @Test func conditionalWritesAreDecided() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            #expect(try store.send("PUT", "/models/k", [("if-match", "\"0\"")]).code == "NoSuchKey")
            let first = try store.send("PUT", "/models/k", [("if-none-match", "*")], body: [1])
            #expect(first.status == 200)
            let second = try store.send("PUT", "/models/k", [("if-none-match", "*")], body: [2])
            #expect((second.status, second.code) == (412, "PreconditionFailed"))
            #expect(try store.send("PUT", "/models/k", [("if-match", "\"0\"")], body: [2]).status == 412)
            #expect(try store.send("PUT", "/models/k", [("if-match", first["etag"] ?? "")], body: [2]).status == 200)
            #expect(try store.send("GET", "/models/k").body == [2])
            #expect(try store.send("DELETE", "/models/k", [("if-match", "\"0\"")]).status == 412)
        }
    }

    /// Keys that are trouble elsewhere are names like any other here.
    @Test func hostileKeysAreOrdinaryNames() async throws {
        let keys = [
            "..", "../../etc/passwd", "/", "//", "a//b", "./a", " ", "a b", "a+b", "%41", "a%2Fb", "\u{0}", "a\u{1}b",
            "\u{7F}", "ключ", "é", "e\u{301}",
            "?x=1&y#z", "<&>\"'", String(repeating: "x", count: 1024), String(repeating: "é", count: 512),
        ]
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            for key in keys {
                let target = "/models/" + PercentEncoding.encode(key, keepsSlash: true)
                #expect(try store.send("PUT", target, body: Array(key.utf8)).status == 200, "\(key)")
            }
            for key in keys {
                let target = "/models/" + PercentEncoding.encode(key, keepsSlash: true)
                #expect(try store.send("GET", target).body == Array(key.utf8), "\(key)")
            }
            let listed = try store.send("GET", "/models?list-type=2&encoding-type=url").document?.all("Contents") ?? []
            let names = listed.compactMap { $0.text(of: "Key") }.map {
                String(decoding: PercentEncoding.decode($0, plusIsSpace: false) ?? [], as: UTF8.self)
            }
            let expected = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(names.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
            let long = try store.send("PUT", "/models/" + String(repeating: "x", count: 1025))
            #expect((long.status, long.code) == (400, "KeyTooLongError"))
            #expect(try store.send("PUT", "/models/%FF").code == "InvalidURI")
        }
    }

    @Test func copiesKeepOrReplaceWhatIsSaid() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let put = try store.send(
                "PUT", "/models/a%20b", [("x-amz-meta-v", "1"), ("content-type", "t/1")], body: Array("body".utf8))
            let source = [(name: "x-amz-copy-source", value: "models/a%20b")]
            let copied = try store.send("PUT", "/models/c", source)
            #expect(copied.status == 200)
            #expect(copied.document?.text(of: "ETag") == put["etag"])
            let kept = try store.send("GET", "/models/c")
            #expect((kept.text, kept["x-amz-meta-v"], kept["content-type"]) == ("body", "1", "t/1"))
            try store.send(
                "PUT", "/models/d", source + [("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-w", "2")])
            let replaced = try store.send("HEAD", "/models/d")
            #expect(
                (replaced["x-amz-meta-v"], replaced["x-amz-meta-w"], replaced["content-type"]) == (
                    nil, "2", "binary/octet-stream"
                ))
            let hashed = try store.send("PUT", "/models/e", source + [("x-amz-checksum-algorithm", "SHA256")])
            #expect(hashed.document?.text(of: "ChecksumSHA256") == base64(Digest.sha256(Array("body".utf8))))

            let etag = try #require(put["etag"])
            for (name, value, status) in [
                ("x-amz-copy-source-if-match", etag, 200), ("x-amz-copy-source-if-match", "\"0\"", 412),
                ("x-amz-copy-source-if-none-match", etag, 412), ("x-amz-copy-source-if-none-match", "\"0\"", 200),
            ] {
                #expect(try store.send("PUT", "/models/f", source + [(name, value)]).status == status, "\(name)")
            }
            for (value, code) in [
                ("models/absent", "NoSuchKey"), ("absent/k", "NoSuchBucket"), ("models", "InvalidArgument"),
                ("models/%zz", "InvalidArgument"),
                ("models/a%20b?versionId=x", "NoSuchVersion"), ("UPPER/k", "InvalidBucketName"),
            ] {
                #expect(try store.send("PUT", "/models/g", [("x-amz-copy-source", value)]).code == code, "\(value)")
            }
            #expect(try store.send("PUT", "/models/a%20b", source).code == "InvalidRequest")
            #expect(
                try store.send("PUT", "/models/a%20b", source + [("x-amz-metadata-directive", "REPLACE")]).status == 200
            )
        }
    }

    @Test func whatIsNotServedIsRefusedAndNotDropped() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            for (name, value, code) in [
                ("x-amz-tagging", "a=b", "NotImplemented"),
                ("x-amz-server-side-encryption", "AES256", "NotImplemented"),
                ("x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented"),
                ("x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented"),
                ("x-amz-acl", "public-read", "AccessControlListNotSupported"),
                ("x-amz-storage-class", "GLACIER", "InvalidStorageClass"),
                ("x-amz-checksum-sha512", "x", "NotImplemented"),
                ("x-amz-expected-bucket-owner", "someone", "AccessDenied"),
                ("x-amz-meta-long", String(repeating: "v", count: 2100), "MetadataTooLarge"),
            ] {
                #expect(try store.send("PUT", "/models/k", [(name, value)], body: [1]).code == code, "\(name)")
                #expect(try store.send("HEAD", "/models/k").status == 404)
            }
            #expect(try store.send("GET", "/models?acl").code == "NotImplemented")
            #expect(try store.send("GET", "/models/k?versionId=3").code == "NoSuchVersion")
            #expect(try store.send("PATCH", "/models/k").code == "MethodNotAllowed")
        }
    }
}
