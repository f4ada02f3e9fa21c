import Digests
import S3Types
import S3Wire
import SigV4
import Testing

/// Each refusal with its exact error, and nothing stored behind it.
@Suite(.timeLimit(.minutes(3))) struct BadInputTests {
    private func withBucket(_ body: (RunningStore) throws -> Void) async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            try body(store)
            let left = try store.send("GET", "/models?list-type=2")
            #expect(left.document?.all("Contents").isEmpty == true, "something was stored")
        }
    }

    private let body = Array("the body".utf8)

    @Test func signaturesThatDoNotHold() async throws {
        try await withBucket { (store) throws -> Void in
            func code(_ reply: Reply) -> String { "\(reply.status) \(reply.code ?? "")" }
            let guess = RequestSigner(accessKey: RunningStore.accessKey, secret: Secret("guess"), region: "us-east-1")
            let wrong = try store.send("PUT", "/models/k", body: body, signer: guess)
            #expect(code(wrong) == "403 SignatureDoesNotMatch")
            #expect(wrong.document?.text(of: "StringToSign")?.hasPrefix("AWS4-HMAC-SHA256\n") == true)
            let stranger = RequestSigner(accessKey: "AKIANOBODY", secret: RunningStore.secret, region: "us-east-1")
            #expect(code(try store.send("PUT", "/models/k", body: body, signer: stranger)) == "403 InvalidAccessKeyId")
            let abroad = RequestSigner(
                accessKey: RunningStore.accessKey, secret: RunningStore.secret, region: "eu-west-1")
            let foreign = try store.send("PUT", "/models/k", body: body, signer: abroad)
            #expect(code(foreign) == "400 AuthorizationHeaderMalformed")
            #expect(foreign.document?.text(of: "Region") == "us-east-1")
            for skew: Int64 in [-901, 901] {
                #expect(
                    code(try store.send("PUT", "/models/k", body: body, atSeconds: RunningStore.nowSeconds + skew))
                        == "403 RequestTimeTooSkewed")
            }
            #expect(
                code(try store.exchange(store.raw("PUT", "/models/k", [("host", "h")], body: body)))
                    == "403 AccessDenied")
            #expect(code(try store.exchange(store.raw("GET", "/models/k", [("host", "h")]))) == "403 AccessDenied")
            #expect(
                code(try store.exchange(store.raw("GET", "/", [("host", "h"), ("authorization", "AWS a:b")])))
                    == "400 InvalidRequest")
            #expect(
                code(
                    try store.exchange(store.raw("GET", "/", [("host", "h"), ("authorization", "AWS4-HMAC-SHA256 x")])))
                    == "400 AuthorizationHeaderMalformed")
            #expect(
                code(try store.exchange(store.raw("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", [("host", "h")])))
                    == "400 AuthorizationQueryParametersError")
            // A header that was added behind the signer's back.
            let extra = String(decoding: try store.request("PUT", "/models/k", body: body), as: UTF8.self)
                .replacing("host:", with: "x-amz-acl: private\r\nhost:")
            #expect(code(try store.exchange(Array(extra.utf8))) == "403 AccessDenied")
        }
    }

    @Test func presignedURLsExpireAndBindTheirQuery() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            try store.send("PUT", "/models/k", body: body)
            let host = (name: "host", value: "127.0.0.1:\(store.port)")
            func get(_ target: String) throws -> Reply { try store.exchange(store.raw("GET", target, [host])) }
            func presigned(_ target: String, at seconds: Int64 = RunningStore.nowSeconds) throws -> String {
                try RunningStore.signer.presign(
                    method: "GET", target: target, fields: [host], expirySeconds: 60, atSeconds: seconds)
            }
            #expect(try get(try presigned("/models/k")).body == body)
            #expect(try get(try presigned("/models/k", at: RunningStore.nowSeconds - 60)).status == 200)
            let expired = try get(try presigned("/models/k", at: RunningStore.nowSeconds - 61))
            #expect(
                (expired.status, expired.code, expired.document?.text(of: "Message")) == (
                    403, "AccessDenied", "Request has expired"
                ))
            #expect(
                try get(try presigned("/models/k", at: RunningStore.nowSeconds + 901)).document?.text(of: "Message")
                    == "Request is not yet valid")
            #expect(try get(try presigned("/models/k") + "&response-content-type=x").code == "SignatureDoesNotMatch")
            #expect(
                try get(try presigned("/models/k").replacing("X-Amz-Expires=60", with: "X-Amz-Expires=604801")).code
                    == "AuthorizationQueryParametersError")
            // Headers may stand in the query: they are signed with it.
            let put = try RunningStore.signer.presign(
                method: "PUT", target: "/models/p?x-amz-meta-a=b&x-amz-checksum-crc32=AAAAAA%3D%3D", fields: [host],
                expirySeconds: 60, atSeconds: RunningStore.nowSeconds)
            #expect(try store.exchange(store.raw("PUT", put, [host], body: body)).code == "BadDigest")
            #expect(try store.exchange(store.raw("PUT", put, [host])).status == 200)
            #expect(try store.send("HEAD", "/models/p")["x-amz-meta-a"] == "b")
        }
    }

    @Test func digestsThatDoNotComeOut() async throws {
        try await withBucket { (store) throws -> Void in
            let table: [(String, String, String)] = [
                ("content-md5", base64(Digest.md5([])), "BadDigest"), ("content-md5", "junk", "InvalidDigest"),
                ("content-md5", "AAAA", "InvalidDigest"), ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
                ("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest"),
                ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
                ("x-amz-checksum-sha1", base64(Digest.sha1([])), "BadDigest"),
                ("x-amz-checksum-sha256", base64(Digest.sha256([])), "BadDigest"),
                ("x-amz-checksum-sha256", "AAAA", "InvalidRequest"), ("x-amz-checksum-crc32", "", "InvalidRequest"),
            ]
            for (name, value, code) in table {
                let reply = try store.send("PUT", "/models/k", [(name, value)], body: body)
                #expect((reply.status, reply.code) == (400, code), "\(name): \(value)")
            }
            let two = try store.send(
                "PUT", "/models/k", [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-sha1", "AAAA")], body: body)
            #expect(two.code == "InvalidRequest")
            let other = try store.send("PUT", "/models/k", body: body, payload: .digest(Digest.sha256([])))
            #expect((other.status, other.code) == (400, "XAmzContentSHA256Mismatch"))
        }
    }

    @Test func declaredDigestsThatComeOutAreAnswered() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            for algorithm in ChecksumAlgorithm.allCases {
                let digest: DigestAlgorithm =
                    switch algorithm {
                    case .crc32: .crc32
                    case .crc32c: .crc32c
                    case .crc64nvme: .crc64nvme
                    case .sha1: .sha1
                    case .sha256: .sha256
                    }
                let value = base64(Digest.value(digest, of: body.span.bytes))
                let put = try store.send(
                    "PUT", "/models/k",
                    [(algorithm.headerName, value), ("content-md5", base64(Digest.md5(body)))], body: body)
                #expect(put[algorithm.headerName] == value)
                let get = try store.send("GET", "/models/k", [("x-amz-checksum-mode", "ENABLED")])
                #expect(get[algorithm.headerName] == value)
                #expect(get["x-amz-checksum-type"] == "FULL_OBJECT")
                let part = try store.send(
                    "GET", "/models/k", [("x-amz-checksum-mode", "ENABLED"), ("range", "bytes=0-1")])
                #expect(part[algorithm.headerName] == nil, "the checksum of a whole is none of a part")
            }
        }
    }

    @Test func bodiesThatAreNotAllThere() async throws {
        try await withBucket { (store) throws -> Void in
            let cut = try store.exchange(
                Array(try store.request("PUT", "/models/k", [("content-length", "100")], body: body)), closesEarly: true
            )
            #expect((cut.status, cut.code) == (400, "IncompleteBody"))
            let head = String(
                decoding: try store.request("PUT", "/models/k", [("transfer-encoding", "chunked")], payload: .unsigned),
                as: UTF8.self
            )
            .replacing("content-length: 0\r\n", with: "")
            let unsized = try store.exchange(Array((head + "0\r\n\r\n").utf8))
            #expect((unsized.status, unsized.code) == (411, "MissingContentLength"))
            let huge = try store.exchange(
                try store.request("PUT", "/models/k", [("content-length", "5368709121")], payload: .unsigned))
            #expect((huge.status, huge.code) == (400, "EntityTooLarge"))
        }
    }

    @Test func headsThatAreTooLargeOrBroken() async throws {
        try await withBucket { (store) throws -> Void in
            let large = try store.exchange(
                store.raw("GET", "/", [("host", "h"), ("x-large", String(repeating: "a", count: 64 << 10))]))
            #expect((large.status, large.code) == (400, "RequestHeaderSectionTooLarge"))
            let many = try store.exchange(store.raw("GET", "/", [("host", "h")] + (0..<300).map { ("x-\($0)", "1") }))
            #expect(many.code == "RequestHeaderSectionTooLarge")
            #expect(try store.exchange(Array("GET / HTTP/1.1\r\nbroken\r\n\r\n".utf8)).code == "BadRequest")
            let signed = String(decoding: try store.request("GET", "/models/kk"), as: UTF8.self)
            #expect(
                try store.exchange(Array(signed.replacing("/models/kk", with: "/models/%zz").utf8)).code == "InvalidURI"
            )
            #expect(try store.send("GET", "/NOT_A_BUCKET").code == "InvalidBucketName")
        }
    }

    @Test func chunkedBodiesVerifiedToTheLastByte() async throws {
        try await RunningStore.with { (store) async throws -> Void in
            try store.send("PUT", "/models")
            let chunks = [[UInt8](repeating: 7, count: 70_000), [UInt8](repeating: 9, count: 8192), [1, 2, 3]]
            let whole = chunks.flatMap { $0 }
            let trailer = (
                name: "x-amz-checksum-crc32", value: base64(Digest.value(.crc32, of: whole.span.bytes))
            )
            for form in [PayloadForm.signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer] {
                let trailers = form == .signedChunks ? [] : [trailer]
                let put = try store.exchange(
                    ChunkedRequest(store, "/models/\(form.text)", form, chunks, trailers).bytes())
                #expect(put.status == 200, "\(form): \(put.text)")
                if form != .signedChunks { #expect(put[trailer.name] == trailer.value) }
                let get = try store.send("GET", "/models/\(form.text)")
                #expect(get.body == whole)
                #expect(get["content-encoding"] == "gzip", "aws-chunked is no property of the object")
            }
        }
    }

    @Test func chunkedBodiesThatWereTamperedWith() async throws {
        try await withBucket { (store) throws -> Void in
            let chunks = [[UInt8](repeating: 7, count: 8192), [UInt8](repeating: 9, count: 8192)]
            let whole = chunks[0] + chunks[1]
            let right = (name: "x-amz-checksum-crc32", value: base64(Digest.value(.crc32, of: whole.span.bytes)))
            func expect(
                _ answer: String, _ form: PayloadForm, _ trailers: [(name: String, value: String)] = [],
                declared: Int? = nil,
                line: Int = #line, _ change: (inout [[UInt8]]) -> Void
            ) throws {
                var request = try ChunkedRequest(store, "/models/k", form, chunks, trailers, declaredBytes: declared)
                change(&request.pieces)
                let reply = try store.exchange(request.bytes())
                #expect("\(reply.status) \(reply.code ?? "")" == answer, "line \(line)")
            }
            try expect("403 SignatureDoesNotMatch", .signedChunks) { $0[0][5000] ^= 1 }
            try expect("403 SignatureDoesNotMatch", .signedChunks) { $0.swapAt(0, 1) }
            try expect("403 SignatureDoesNotMatch", .signedChunks) { $0[1] = $0[0] }
            try expect("403 SignatureDoesNotMatch", .signedChunks, declared: 8192) { _ = $0.remove(at: 1) }
            try expect("400 IncompleteBody", .signedChunks) { $0.removeLast() }
            try expect("400 IncompleteBody", .signedChunks, declared: 16_383) { _ in }
            try expect("400 IncompleteBody", .signedChunks) { $0[0] = Array("zz\r\n".utf8) }
            try expect("400 IncompleteBody", .signedChunksWithTrailer, [right]) {
                $0[$0.count - 1] = Array("\r\n".utf8)
            }
            try expect("400 BadDigest", .signedChunksWithTrailer, [("x-amz-checksum-crc32", "AAAAAA==")]) { _ in }
            try expect("400 BadDigest", .unsignedChunksWithTrailer, [("x-amz-checksum-crc32", "AAAAAA==")]) { _ in }
            try expect("400 BadDigest", .unsignedChunksWithTrailer, [right]) { $0[0][5000] ^= 1 }
            try expect("400 MalformedTrailerError", .unsignedChunksWithTrailer, [right]) {
                $0[$0.count - 1] = Array("\r\n".utf8)
            }
        }
    }
}

/// A PUT in chunks, in pieces that a test can damage before they are put together.
private struct ChunkedRequest {
    private let store: RunningStore
    private let target: String
    private let fields: [(name: String, value: String)]
    var pieces: [[UInt8]] = []

    init(
        _ store: RunningStore, _ target: String, _ form: PayloadForm, _ chunks: [[UInt8]],
        _ trailers: [(name: String, value: String)],
        declaredBytes: Int? = nil
    ) throws {
        self.store = store
        self.target = target
        var fields: [(name: String, value: String)] = [
            ("host", "127.0.0.1"), ("content-encoding", "gzip,aws-chunked"),
            ("x-amz-decoded-content-length", String(declaredBytes ?? chunks.reduce(0) { $0 + $1.count })),
        ]
        if !trailers.isEmpty { fields.append(("x-amz-trailer", trailers.map(\.name).joined(separator: ","))) }
        self.fields = try RunningStore.signer.sign(
            method: "PUT", target: target, fields: fields, payload: form, atSeconds: RunningStore.nowSeconds)
        let verifier = SignatureVerifier(
            region: "us-east-1", secret: { _ in RunningStore.secret }, now: { RunningStore.nowSeconds })
        let seed = try #require(
            try verifier.verify(RequestFacts(method: "PUT", target: target, fields: self.fields)).seed)
        let isSigned = form != .unsignedChunksWithTrailer
        var previous = seed.signature
        for chunk in chunks + [[]] {
            var header = String(chunk.count, radix: 16)
            if isSigned {
                previous = seed.key.signature(
                    of: seed.key.chunkStringToSign(
                        previousSignature: previous, sha256: Digest.sha256(chunk), at: seed.time))
                header += ";chunk-signature=" + previous
            }
            pieces.append(
                Array((header + "\r\n").utf8) + chunk
                    + (chunk.isEmpty && form != .signedChunks ? [] : Array("\r\n".utf8)))
        }
        guard form != .signedChunks else { return }
        var text = trailers.map { "\($0.name):\($0.value)\r\n" }.joined()
        if isSigned {
            let signedText = trailers.map { "\($0.name):\($0.value)\n" }.joined()
            let toSign = seed.key.trailerStringToSign(
                previousSignature: previous, sha256: Digest.sha256(Array(signedText.utf8)), at: seed.time)
            text += "x-amz-trailer-signature:\(seed.key.signature(of: toSign))\r\n"
        }
        pieces.append(Array((text + "\r\n").utf8))
    }

    func bytes() -> [UInt8] { store.raw("PUT", target, fields, body: pieces.flatMap { $0 }) }
}
