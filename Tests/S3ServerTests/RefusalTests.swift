import Digests
import S3Types
import S3Wire
import SigV4
import Testing

/// What is not known is refused by name before anything is done: the object and the bucket are what they were.
@Suite(.timeLimit(.minutes(3))) struct RefusalTests {
    private let body = Array("the bytes that stay".utf8)

    /// A store with one object, which must be there unchanged, and alone, in the end.
    private func withObject(_ body: (RunningStore) throws -> Void) async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            try store.send("PUT", "/models/k", body: self.body)
            try body(store)
            #expect(try store.send("GET", "/models/k").body == self.body)
            let keys = try store.send("GET", "/models?list-type=2").document?.all("Contents").map { $0.text(of: "Key") }
            #expect(keys == ["k"])
            let buckets = try store.send("GET", "/").document?.first("Buckets")?.all("Bucket").map {
                $0.text(of: "Name")
            }
            #expect(buckets == ["models"])
        }
    }

    private func expect(
        _ reply: Reply, _ status: Int, _ code: String, naming name: String, line: Int = #line
    ) {
        #expect((reply.status, reply.code) == (status, code), "line \(line): \(name)")
        #expect(reply.document?.text(of: "Message")?.contains(name) == true, "line \(line): \(name)")
    }

    @Test func subresourcesAreNoPlainWrites() async throws {
        try await withObject { (store) throws -> Void in
            for (method, target, name) in [
                ("DELETE", "/models?uploads", "uploads"), ("DELETE", "/models?location", "location"),
                ("DELETE", "/models?versioning", "versioning"), ("DELETE", "/models/k?uploads", "uploads"),
                ("PUT", "/models/k?uploads", "uploads"), ("PUT", "/new?location", "location"),
                ("PUT", "/models/k?annotation&annotationName=a", "annotation"),
                ("DELETE", "/models/k?annotation&annotationName=a", "annotation"),
                ("DELETE", "/models?metadataConfiguration", "metadataConfiguration"),
                ("DELETE", "/models/k?of-tomorrow", "of-tomorrow"),
            ] {
                expect(try store.send(method, target), 501, "NotImplemented", naming: name)
            }
        }
    }

    @Test func conditionsThatAreNotDecidedAreRefused() async throws {
        try await withObject { (store) throws -> Void in
            for (method, name, value) in [
                ("DELETE", "x-amz-if-match-size", "1"),
                ("DELETE", "x-amz-if-match-last-modified-time", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("DELETE", "if-none-match", "*"), ("PUT", "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("PUT", "range", "bytes=0-1"), ("PUT", "content-range", "bytes 0-1/2"),
            ] {
                expect(try store.send(method, "/models/k", [(name, value)]), 501, "NotImplemented", naming: name)
            }
            let tag = try store.send("PUT", "/models/k", [("if-none-match", "\"0123\"")], body: [1])
            expect(tag, 501, "NotImplemented", naming: "If-None-Match")
            let both = try store.send("PUT", "/models/k", [("if-none-match", "*"), ("if-match", "*")], body: [1])
            expect(both, 501, "NotImplemented", naming: "If-None-Match. Multiple conditional request headers")
            #expect(try store.send("DELETE", "/models/k", [("if-match", "\"0123\"")]).code == "PreconditionFailed")
        }
    }

    @Test func ownersOfBothBucketsAreHeeded() async throws {
        try await withObject { (store) throws -> Void in
            let copy = ("x-amz-copy-source", "models/k")
            let stranger = try store.send("PUT", "/models/c", [copy, ("x-amz-source-expected-bucket-owner", "1")])
            #expect((stranger.status, stranger.code) == (403, "AccessDenied"))
            #expect(
                try store.send("DELETE", "/models/k", [("x-amz-expected-bucket-owner", "1")]).code == "AccessDenied")
            let owner = "d6cceeff0690d10113df024d0b253184b4fab6b13e81a696a31426660e0cdfcf"
            #expect(
                try store.send("PUT", "/models/c", [copy, ("x-amz-source-expected-bucket-owner", owner)]).status == 200)
            #expect(try store.send("DELETE", "/models/c", [("x-amz-expected-bucket-owner", owner)]).status == 204)
        }
    }

    @Test func whatABucketIsToBeIsDoneOrRefused() async throws {
        try await withObject { (store) throws -> Void in
            for inner in [
                "<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>", "<Bucket><Type>Directory</Type></Bucket>",
            ] {
                let document = Array("<CreateBucketConfiguration>\(inner)</CreateBucketConfiguration>".utf8)
                let name = inner.contains("Tags") ? "Tags" : "Bucket"
                expect(try store.send("PUT", "/new", body: document), 501, "NotImplemented", naming: name)
            }
            let writer = try store.send("PUT", "/new", [("x-amz-object-ownership", "ObjectWriter")])
            expect(writer, 501, "NotImplemented", naming: "x-amz-object-ownership: ObjectWriter")
            #expect(try store.send("PUT", "/new", [("x-amz-object-ownership", "BucketOwnerEnforced")]).status == 200)
            #expect(try store.send("DELETE", "/new").status == 204)
        }
    }

    @Test func conditionsOfEntriesAreDecidedOrRefused() async throws {
        try await withObject { (store) throws -> Void in
            func delete(_ condition: String) throws -> Reply {
                let document = Array("<Delete><Object><Key>k</Key>\(condition)</Object></Delete>".utf8)
                return try store.send(
                    "POST", "/models?delete", [("content-md5", base64(Digest.md5(document)))], body: document)
            }
            expect(try delete("<Size>1</Size>"), 501, "NotImplemented", naming: "Size")
            expect(
                try delete("<LastModifiedTime>Sun, 06 Nov 1994 08:49:37 GMT</LastModifiedTime>"), 501,
                "NotImplemented", naming: "LastModifiedTime")
            expect(try delete("<OfTomorrow/>"), 400, "MalformedXML", naming: "OfTomorrow")
            #expect(
                try delete("<ETag>\"0123\"</ETag>").document?.first("Error")?.text(of: "Code") == "PreconditionFailed")
        }
    }

    @Test func aRangeOfAnotherStateIsTheWhole() async throws {
        try await withObject { (store) throws -> Void in
            let head = try store.send("HEAD", "/models/k")
            let tag = try #require(head["etag"])
            let date = try #require(head["last-modified"])
            for (condition, status) in [
                (tag, 206), (date, 206), ("\"0123\"", 200), ("W/" + tag, 200), ("yesterday", 200),
                ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
            ] {
                let reply = try store.send("GET", "/models/k", [("range", "bytes=0-1"), ("if-range", condition)])
                #expect(reply.status == status, "\(condition)")
                #expect(reply.body.count == (status == 206 ? 2 : body.count))
            }
        }
    }

    @Test func parametersOfPresignedURLsAreHeldToTheEntryAsHeaders() async throws {
        try await withObject { (store) throws -> Void in
            let host = (name: "host", value: "127.0.0.1:\(store.port)")
            func put(_ query: String) throws -> Reply {
                let target = try RunningStore.signer.presign(
                    method: "PUT", target: "/models/p?" + query, fields: [host], expirySeconds: 60,
                    atSeconds: RunningStore.nowSeconds)
                return try store.exchange(store.raw("PUT", target, [host], body: body))
            }
            expect(try put("x-amz-tagging=a"), 501, "NotImplemented", naming: "x-amz-tagging")
            expect(try put("tagging"), 501, "NotImplemented", naming: "tagging")
            expect(try put("x-amz-acl=private&X-Amz-Acl=private"), 400, "InvalidArgument", naming: "x-amz-acl")
            #expect(try put("x-amz-acl=private&x-id=PutObject").status == 200)
            #expect(try store.send("DELETE", "/models/p").status == 204)
        }
    }

    @Test func numbersAreDigits() async throws {
        try await withObject { (store) throws -> Void in
            let upload = try #require(try store.send("POST", "/models/u?uploads").document?.text(of: "UploadId"))
            for target in [
                "/?max-buckets=%2B1", "/models?max-keys=%2B5", "/models?list-type=2&max-keys=5%20",
                "/models?uploads&max-uploads=%2B5", "/models/k?partNumber=%2B1",
                "/models/u?uploadId=\(upload)&max-parts=%2B1", "/models/u?uploadId=\(upload)&part-number-marker=%2B1",
            ] {
                #expect(try store.send("GET", target).code == "InvalidArgument", "\(target)")
            }
            let part = try store.send("PUT", "/models/u?partNumber=%2B1&uploadId=\(upload)", body: body)
            #expect(part.code == "InvalidArgument")
            let negative = try store.send("GET", "/models?max-keys=-1").document?.text(of: "Message")
            #expect(negative?.contains("between 0 and 2147483647") == true)
        }
    }
}
