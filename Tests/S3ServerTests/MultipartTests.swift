import Digests
import S3Types
import S3Wire
import Testing

@Suite(.timeLimit(.minutes(3))) struct MultipartTests {
    private static let partBytes = 5 << 20

    private static func value(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) -> [UInt8] {
        Digest.value(algorithm, of: bytes.span.bytes)
    }

    private func create(_ store: RunningStore, _ fields: [(name: String, value: String)] = []) throws -> String {
        let reply = try store.send("POST", "/models/k?uploads", fields)
        return try #require(reply.document?.text(of: "UploadId"), "\(reply.text)")
    }

    private func part(
        _ store: RunningStore, _ id: String, _ number: Int, _ body: [UInt8],
        _ fields: [(name: String, value: String)] = []
    ) throws -> Reply {
        try store.send("PUT", "/models/k?partNumber=\(number)&uploadId=\(id)", fields, body: body)
    }

    private func complete(
        _ store: RunningStore, _ id: String, _ parts: [(Int, String)], _ fields: [(name: String, value: String)] = []
    ) throws -> Reply {
        let list = parts.map { "<Part><PartNumber>\($0.0)</PartNumber><ETag>\($0.1)</ETag></Part>" }.joined()
        return try store.send(
            "POST", "/models/k?uploadId=\(id)", fields,
            body: Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8))
    }

    @Test func partsBecomeOneObject() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let bodies = [[UInt8](repeating: 1, count: Self.partBytes), [UInt8](repeating: 2, count: 100)]
            let id = try create(store, [("content-type", "t/x"), ("x-amz-meta-a", "b")])
            let etags = try bodies.enumerated().map {
                try #require(try part(store, id, $0.offset + 1, $0.element)["etag"])
            }
            #expect(try store.send("GET", "/models/k").code == "NoSuchKey")
            let listed = try store.send("GET", "/models/k?uploadId=\(id)").document
            #expect(listed?.all("Part").compactMap { $0.text(of: "ETag") } == etags)
            #expect(listed?.all("Part").compactMap { $0.text(of: "Size") } == [String(Self.partBytes), "100"])
            #expect(
                try store.send("GET", "/models?uploads").document?.all("Upload").compactMap { $0.text(of: "UploadId") }
                    == [id])

            let done = try complete(
                store, id, [(1, etags[0]), (2, etags[1])], [("x-amz-mp-object-size", String(Self.partBytes + 100))])
            let expected = hexadecimal(Digest.md5(Digest.md5(bodies[0]) + Digest.md5(bodies[1]))) + "-2"
            #expect(done.document?.text(of: "ETag") == "\"\(expected)\"")
            let whole = bodies[0] + bodies[1]
            #expect(
                done.document?.text(of: "ChecksumCRC64NVME")
                    == base64(Digest.value(.crc64nvme, of: whole.span.bytes)))
            #expect(done.document?.text(of: "ChecksumType") == "FULL_OBJECT")
            let get = try store.send("GET", "/models/k")
            #expect(get.body == whole)
            #expect((get["content-type"], get["x-amz-meta-a"]) == ("t/x", "b"))
            let second = try store.send("GET", "/models/k?partNumber=2")
            #expect((second.status, second.body.count, second["x-amz-mp-parts-count"]) == (206, 100, "2"))
            #expect(try store.send("GET", "/models/k?partNumber=3").code == "InvalidPartNumber")
            #expect(try store.send("GET", "/models/k?uploadId=\(id)").code == "NoSuchUpload")
        }
    }

    @Test(arguments: [
        ("CRC32", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE"),
        ("SHA1", "COMPOSITE"),
    ])
    func checksumsOfBothTypesComeOut(name: String, type: String) async throws {
        let algorithm = try #require(ChecksumAlgorithm(rawValue: name))
        let digests: [ChecksumAlgorithm: DigestAlgorithm] = [
            .crc32: .crc32, .crc32c: .crc32c, .crc64nvme: .crc64nvme, .sha1: .sha1, .sha256: .sha256,
        ]
        let digest = try #require(digests[algorithm])
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let bodies = [[UInt8](repeating: 5, count: Self.partBytes), [UInt8](repeating: 6, count: 7)]
            let values = bodies.map { Self.value(digest, $0) }
            let id = try create(store, [("x-amz-checksum-algorithm", name), ("x-amz-checksum-type", type)])
            let bad = try part(store, id, 1, bodies[0], [(algorithm.headerName, base64(values[1]))])
            #expect((bad.status, bad.code) == (400, "BadDigest"))
            let other: ChecksumAlgorithm = algorithm == .sha1 ? .sha256 : .sha1
            let mixed = try part(
                store, id, 1, bodies[0],
                [(other.headerName, base64(other == .sha1 ? Digest.sha1(bodies[0]) : Digest.sha256(bodies[0])))])
            #expect(mixed.code == "InvalidRequest")
            // One part with its value and one without: the store computes it either way.
            let first = try part(store, id, 1, bodies[0], [(algorithm.headerName, base64(values[0]))])
            #expect(first[algorithm.headerName] == base64(values[0]))
            let second = try part(store, id, 2, bodies[1])
            #expect(second[algorithm.headerName] == base64(values[1]))
            let expected =
                type == "COMPOSITE"
                ? base64(Self.value(digest, values[0] + values[1])) + "-2"
                : base64(Self.value(digest, bodies[0] + bodies[1]))
            let parts = [(1, first["etag"] ?? ""), (2, second["etag"] ?? "")]
            if type == "FULL_OBJECT" {
                let wrong = base64([UInt8](repeating: 0, count: algorithm.byteCount))
                #expect(
                    try complete(store, id, parts, [(algorithm.headerName, wrong), ("x-amz-checksum-type", type)]).code
                        == "BadDigest")
            }
            let done = try complete(store, id, parts, [("x-amz-checksum-type", type)])
            #expect(done.document?.text(of: "Checksum" + name) == expected)
            #expect(done.document?.text(of: "ChecksumType") == type)
            let head = try store.send("HEAD", "/models/k", [("x-amz-checksum-mode", "ENABLED")])
            #expect((head[algorithm.headerName], head["x-amz-checksum-type"]) == (expected, type))
        }
    }

    @Test func completionsThatDoNotAddUp() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let id = try create(store)
            let small = try #require(try part(store, id, 1, [1])["etag"])
            let last = try #require(try part(store, id, 2, [2])["etag"])
            #expect(try complete(store, id, [(1, small), (2, last)]).code == "EntityTooSmall")
            #expect(try complete(store, id, [(2, last), (1, small)]).code == "InvalidPartOrder")
            #expect(try complete(store, id, [(1, last)]).code == "InvalidPart")
            #expect(try complete(store, id, [(3, last)]).code == "InvalidPart")
            #expect(try complete(store, id, []).code == "MalformedXML")
            #expect(try complete(store, id, [(1, small)], [("x-amz-mp-object-size", "2")]).code == "InvalidRequest")
            #expect(try complete(store, id, [(1, small)], [("x-amz-checksum-crc32", "AAAAAA==")]).code == "BadDigest")
            #expect(try store.send("HEAD", "/models/k").status == 404)
            #expect(try complete(store, id, [(1, small)], [("if-none-match", "*")]).status == 200)
            #expect(try complete(store, id, [(1, small)]).code == "NoSuchUpload")
            for bad in ["0", "10001", "x", "-1"] {
                #expect(
                    try store.send("PUT", "/models/k?partNumber=\(bad)&uploadId=\(id)", body: [1]).code
                        == "InvalidArgument")
            }
            #expect(try store.send("PUT", "/models/k?partNumber=1&uploadId=nonsense", body: [1]).code == "NoSuchUpload")
            #expect(
                try store.send("POST", "/models/k?uploads", [("x-amz-checksum-algorithm", "MD4")]).code
                    == "InvalidRequest")
            #expect(
                try store.send(
                    "POST", "/models/k?uploads",
                    [("x-amz-checksum-algorithm", "SHA1"), ("x-amz-checksum-type", "FULL_OBJECT")]
                ).code == "InvalidRequest")
        }
    }

    @Test func abortedUploadsAreGone() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let id = try create(store)
            _ = try part(store, id, 1, [1])
            #expect(try store.send("DELETE", "/models/k?uploadId=\(id)").status == 204)
            #expect(try store.send("DELETE", "/models/k?uploadId=\(id)").code == "NoSuchUpload")
            #expect(try part(store, id, 2, [1]).code == "NoSuchUpload")
            #expect(try store.send("GET", "/models?uploads").document?.all("Upload").isEmpty == true)
        }
    }

    @Test func partsAreCopiedFromObjects() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            try store.send("PUT", "/models/source", body: Array("0123456789".utf8))
            let id = try create(store, [("x-amz-checksum-algorithm", "SHA256")])
            let target = "/models/k?partNumber=1&uploadId=\(id)"
            let copied = try store.send(
                "PUT", target, [("x-amz-copy-source", "/models/source"), ("x-amz-copy-source-range", "bytes=2-4")])
            #expect(copied.document?.text(of: "ChecksumSHA256") == base64(Digest.sha256(Array("234".utf8))))
            let etag = try #require(copied.document?.text(of: "ETag"))
            for range in ["bytes=5-10", "bytes=-3", "bytes=3-", "junk"] {
                let refused = try store.send(
                    "PUT", target, [("x-amz-copy-source", "/models/source"), ("x-amz-copy-source-range", range)])
                #expect(refused.code == "InvalidArgument", "\(range)")
            }
            #expect(try complete(store, id, [(1, etag)]).status == 200)
            #expect(try store.send("GET", "/models/k").text == "234")
        }
    }
}
