import Digests
import ObjectEngine
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct MultipartTests {
    private let small: @Sendable (inout EngineConfiguration) -> Void = {
        $0.minimumPartBytes = 1000
        $0.ingestThresholdBytes = 1 << 20
    }

    private func listed(_ parts: [PartRecord]) -> [CompletedPart] {
        parts.map { CompletedPart(number: $0.number, etag: $0.etag) }
    }

    @Test func completionMakesOneObjectOfTheListedParts() async throws {
        let bodies = [
            pattern(2000, seed: 1), pattern(2 << 20, seed: 2), pattern(300_000, seed: 3), pattern(1, seed: 4),
        ]
        let whole = bodies.flatMap { $0 }
        let fixture = EngineFixture()
        try await fixture.withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            let upload = try await engine.createUpload(key("key"), in: bucket, attributes: alice)
            #expect(try engine.upload(upload.id, of: key("key"), in: bucket) == upload)
            var parts: [PartRecord] = []
            for (index, body) in bodies.enumerated() {
                parts.append(try await engine.putPart(index + 2, body, of: upload))
            }
            // Not listed, and one replaced: both go away.
            _ = try await engine.putPart(9, pattern(5000), of: upload)
            _ = try await engine.putPart(5, pattern(7000), of: upload)
            parts[3] = try await engine.putPart(5, bodies[3], of: upload)
            #expect(try engine.parts(of: upload, limit: 100).parts.map(\.number.value) == [2, 3, 4, 5, 9])
            let page = try engine.parts(of: upload, after: partNumber(2), limit: 2)
            #expect(page.parts == Array(parts[1...2]))
            #expect(page.isTruncated)

            let record = try await engine.completeUpload(
                upload, parts: listed(parts), expectedSizeBytes: UInt64(whole.count))
            #expect(record.etag == ETag(md5OfPartDigests: Digest.md5(bodies.flatMap { Digest.md5($0) }), partCount: 4))
            #expect(record.crc64nvmeChecksum.bytes == CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(whole)))
            #expect(record.parts.map(\.number) == [2, 3, 4, 5])
            #expect(try engine.get("key", in: bucket) == whole)
            #expect(try engine.get("key", in: bucket, 1999..<2_100_000) == Array(whole[1999..<2_100_000]))
            #expect(throws: EngineError.self) { try engine.upload(upload.id, of: key("key"), in: bucket) }
            await engine.settleReclaim()
            #expect(try engine.check(readsBodies: true).problems == [])
        }
        try await fixture.withEngine(small) { engine in
            let bucket = try engine.bucket(bucketName())
            #expect(try engine.get("key", in: bucket) == whole)
            #expect(try engine.uploads(UploadQuery(), in: bucket).uploads.isEmpty)
        }
    }

    @Test func completionRefusesWhatS3Refuses() async throws {
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            let upload = try await engine.createUpload(key("key"), in: bucket, attributes: alice)
            let first = try await engine.putPart(1, pattern(999), of: upload)
            let second = try await engine.putPart(2, pattern(10), of: upload)
            let wrong = CompletedPart(number: second.number, etag: first.etag)
            let missing = CompletedPart(number: partNumber(3), etag: first.etag)
            func refusal(_ parts: [CompletedPart], size: UInt64? = nil, checksums: [Checksum] = []) async -> String {
                do throws(EngineError) {
                    _ = try await engine.completeUpload(
                        upload, parts: parts, checksums: checksums, expectedSizeBytes: size)
                    return "none"
                } catch {
                    switch error {
                    case .invalidPart(let number): return "invalidPart \(number)"
                    case .invalidPartOrder: return "invalidPartOrder"
                    case .partTooSmall(let number, let size): return "partTooSmall \(number) \(size)"
                    case .sizeMismatch: return "sizeMismatch"
                    case .checksumMismatch: return "checksumMismatch"
                    case .noSuchUpload: return "noSuchUpload"
                    default: return "\(error)"
                    }
                }
            }
            #expect(await refusal([]) == "invalidPartOrder")
            #expect(await refusal(listed([second, first])) == "invalidPartOrder")
            #expect(await refusal(listed([first, first])) == "invalidPartOrder")
            #expect(await refusal([listed([first])[0], wrong]) == "invalidPart 2")
            #expect(await refusal([listed([first])[0], missing]) == "invalidPart 3")
            #expect(await refusal(listed([first, second])) == "partTooSmall 1 999")
            #expect(await refusal(listed([second]), size: 11) == "sizeMismatch")
            let other = Checksum(.crc64nvme, bytes: [0, 0, 0, 0, 0, 0, 0, 1])
            #expect(await refusal(listed([second]), checksums: [other]) == "checksumMismatch")
            // The upload is as it was, and the last part may be small.
            #expect(
                await refusal(
                    listed([second]), size: 10,
                    checksums: [
                        Checksum(.crc64nvme, bytes: CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(pattern(10))))
                    ]) == "none")
            #expect(await refusal(listed([second])).hasPrefix("noSuchUpload"))
        }
    }

    @Test(arguments: [
        (ChecksumAlgorithm.crc32, ChecksumType.fullObject), (.crc32c, .fullObject), (.crc64nvme, .fullObject),
        (.crc32, .composite), (.sha1, .composite), (.sha256, .composite),
    ])
    func theObjectsChecksumIsMadeOfItsParts(algorithm: ChecksumAlgorithm, type: ChecksumType) async throws {
        let bodies = [pattern(4000, seed: 1), pattern(1500, seed: 2), pattern(7, seed: 3)]
        let digest = try #require(DigestAlgorithm.allCases.first { "\($0)" == algorithm.rawValue.lowercased() })
        @Sendable func value(_ bytes: [UInt8]) -> [UInt8] { Digest.value(digest, of: bytes.span.bytes) }
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            let upload = try await engine.createUpload(
                key("key"), in: bucket, attributes: alice, checksumAlgorithm: algorithm, checksumType: type)
            var parts: [PartRecord] = []
            for (index, body) in bodies.enumerated() {
                parts.append(
                    try await engine.putPart(
                        index + 1, body, of: upload, checksums: [Checksum(algorithm, bytes: value(body))]))
            }
            let expected: Checksum =
                type == .fullObject
                ? Checksum(algorithm, bytes: value(bodies.flatMap { $0 }))
                : Checksum(composite: algorithm, bytes: value(bodies.flatMap { value($0) }), partCount: 3)
            let record = try await engine.completeUpload(upload, parts: listed(parts), checksums: [expected])
            #expect(record.checksums == [expected])
        }
    }

    @Test func aPartPutDuringCompletionIsSeen() async throws {
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            for round in 0..<20 {
                let upload = try await engine.createUpload(key("key"), in: bucket, attributes: alice)
                let parts = [try await engine.putPart(1, pattern(2000), of: upload)]
                async let late = try? await engine.putPart(1, pattern(3000, seed: UInt64(round)), of: upload)
                let completed = try? await engine.completeUpload(upload, parts: listed(parts))
                let wasLate = await late
                // Either the part came after the object was made, and found no upload, or before, and changed the tag.
                #expect((completed == nil) == (wasLate != nil))
                if completed == nil { try await engine.abortUpload(upload) }
            }
            await engine.settleReclaim()
            #expect(try engine.check(readsBodies: true).problems == [])
        }
    }

    @Test func abortTakesThePartsAway() async throws {
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            let upload = try await engine.createUpload(key("key"), in: bucket, attributes: alice)
            _ = try await engine.putPart(1, pattern(3 << 20), of: upload)
            try await engine.abortUpload(upload)
            await #expect(throws: EngineError.self) { try await engine.abortUpload(upload) }
            await #expect(throws: EngineError.self) { try await engine.putPart(2, pattern(10), of: upload) }
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report == CheckReport())
        }
    }

    @Test func uploadsOfADeletedBucketGoWithIt() async throws {
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            for index in 0..<5 {
                let upload = try await engine.createUpload(key("key-\(index)"), in: bucket, attributes: alice)
                _ = try await engine.putPart(1, pattern(500_000), of: upload)
            }
            try await engine.deleteBucket(bucket)
            await engine.settleReclaim()
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report == CheckReport())
        }
    }

    @Test func uploadsAreListedByKeyAndAge() async throws {
        try await EngineFixture().withEngine(small) { engine in
            let bucket = try await engine.makeBucket()
            var made: [UploadRecord] = []
            for name in ["b", "a/1", "a", "a/2", "b", "a\u{0}", "c/x/y"] {
                made.append(try await engine.createUpload(key(name), in: bucket, attributes: alice))
            }
            let sorted = made.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }.map(
                \.element)
            #expect(try engine.uploads(UploadQuery(), in: bucket).uploads == sorted)
            // Page by page.
            var query = UploadQuery(limit: 1)
            var paged: [UploadRecord] = []
            while true {
                let page = try engine.uploads(query, in: bucket)
                paged += page.uploads
                guard let next = page.next else { break }
                query.keyMarker = next.key
                query.uploadIDMarker = next.uploadID
            }
            #expect(paged == sorted)
            let rolled = try engine.uploads(UploadQuery(delimiter: "/"), in: bucket)
            #expect(rolled.commonPrefixes == ["a/", "c/"])
            #expect(rolled.uploads.map(\.key.text) == ["a", "a\u{0}", "b", "b"])
            #expect(
                try engine.uploads(UploadQuery(prefix: "a/"), in: bucket).uploads.map(\.key.text) == ["a/1", "a/2"])
            #expect(
                try engine.uploads(UploadQuery(delimiter: "/", keyMarker: "a/"), in: bucket).commonPrefixes == ["c/"])
        }
    }
}
