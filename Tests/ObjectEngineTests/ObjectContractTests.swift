import Digests
import ObjectEngine
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct ObjectContractTests {
    /// Around every border: memory, log, chunk, table, table limit.
    @Test(arguments: [
        0, 1, 32 << 10, (32 << 10) + 1, 256 << 10, (256 << 10) + 1, (1 << 20) - 1, 3 << 20, 16 << 20, (16 << 20) + 1,
        40 << 20,
    ])
    func whatWasPutComesBackWhateverItsSize(size: Int) async throws {
        let fixture = EngineFixture()
        let bytes = pattern(size)
        try await fixture.withEngine { engine in
            let bucket = try await engine.makeBucket()
            let announced = try await engine.put("announced", bytes, in: bucket, expected: UInt64(size))
            let unannounced = try await engine.put("unannounced", bytes, in: bucket)
            for record in [announced, unannounced] {
                #expect(record.sizeBytes == UInt64(size))
                #expect(record.crc64nvmeChecksum.bytes == CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(bytes)))
                #expect(record.attributes == alice)
            }
            #expect(try engine.head(key("announced"), in: bucket) == announced)
        }
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            for name in ["announced", "unannounced"] {
                #expect(try engine.get(name, in: bucket) == bytes)
                let middle = UInt64(size / 3)..<UInt64(size - size / 5)
                #expect(
                    try engine.get(name, in: bucket, middle)
                        == Array(bytes[Int(middle.lowerBound)..<Int(middle.upperBound)]))
            }
        }
    }

    @Test func rangesCrossChunksAndExtents() async throws {
        let fixture = EngineFixture()
        let bytes = pattern(3_000_000)
        try await fixture.withEngine({ $0.ingestThresholdBytes = 1 << 20 }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("key", bytes, in: bucket)
            for (first, last) in [
                (0, 1), (262_143, 262_145), (1_048_570, 1_048_590), (1_000_000, 2_999_999), (2_999_999, 3_000_000),
            ] {
                #expect(try engine.get("key", in: bucket, UInt64(first)..<UInt64(last)) == Array(bytes[first..<last]))
            }
            #expect(try engine.get("key", in: bucket, 5..<5) == [])
        }
    }

    @Test func aBucketIsMadeOnceAndRemovedWhenEmpty() async throws {
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            await #expect { try await engine.makeBucket() } throws: { error in
                guard case .bucketExists(let existing) = error as? EngineError else { return false }
                return existing == bucket
            }
            try await engine.put("key", [1], in: bucket)
            await #expect { try await engine.deleteBucket(bucket) } throws: { isBucketNotEmpty($0) }
            #expect(try await engine.deleteObject(key("key"), in: bucket))
            try await engine.deleteBucket(bucket)
            #expect(engine.buckets().isEmpty)
            #expect(throws: EngineError.self) { try engine.bucket(bucketName()) }
        }
    }

    @Test func aBucketMadeAnewIsAnotherBucket() async throws {
        try await EngineFixture().withEngine { engine in
            let old = try await engine.makeBucket()
            let upload = try await engine.createUpload(key("key"), in: old, attributes: alice)
            try await engine.deleteBucket(old)
            let new = try await engine.makeBucket()
            #expect(new.id > old.id)
            await #expect { try await engine.put("key", [1], in: old) } throws: { isNoSuchBucket($0) }
            await #expect { try await engine.putPart(1, [1], of: upload) } throws: { isNoSuchBucket($0) }
            #expect(try engine.uploads(UploadQuery(), in: new).uploads.isEmpty)
        }
    }

    @Test func deletingWhatIsNotThereIsNoError() async throws {
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            #expect(try await !engine.deleteObject(key("none"), in: bucket))
            try await engine.put("a", [1], in: bucket)
            let results = try await engine.deleteObjects(["a", "none", "a"].map { Deletion(key: key($0)) }, in: bucket)
            #expect(try results.map { try $0.get() } == [true, false, false])
            #expect(throws: EngineError.self) { try engine.head(key("a"), in: bucket) }
        }
    }

    @Test(arguments: [100, 100_000, 2 << 20])
    func copiesShareBytesAndOutliveTheirSource(size: Int) async throws {
        let fixture = EngineFixture()
        let bytes = pattern(size)
        try await fixture.withEngine({ $0.ingestThresholdBytes = 1 << 20 }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("source", bytes, in: bucket, expected: UInt64(size))
            let source = try engine.object(key("source"), in: bucket)
            var other = alice
            other.userMetadata = []
            let copy = try await engine.copyObject(from: source, to: key("copy"), in: bucket, attributes: other)
            #expect(copy.etag == source.record.etag)
            #expect(copy.attributes == other)
            // Onto itself, with other metadata.
            _ = try await engine.copyObject(from: source, to: key("source"), in: bucket, attributes: other)
            #expect(try engine.get("source", in: bucket) == bytes)
            try await engine.deleteObject(key("source"), in: bucket)
            await engine.settleReclaim()
            #expect(try engine.get("copy", in: bucket) == bytes)
        }
    }

    @Test(arguments: [100, 100_000])
    func oneBodyMayBecomeTwoObjects(size: Int) async throws {
        let bytes = pattern(size)
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            let blob = try engine.blob(bytes)
            for name in ["one", "two"] {
                _ = try await engine.putObject(
                    key(name), in: bucket, blob: blob, etag: ETag(md5: Digest.md5(bytes)), attributes: alice)
            }
            try await engine.deleteObject(key("one"), in: bucket)
            await engine.settleReclaim()
            #expect(try engine.get("two", in: bucket) == bytes)
            // With the last object its bytes go; small ones the body still holds itself.
            try await engine.deleteObject(key("two"), in: bucket)
            let again = try? await engine.putObject(
                key("three"), in: bucket, blob: blob, etag: ETag(md5: Digest.md5(bytes)), attributes: alice)
            #expect((again != nil) == (size == 100))
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [])
        }
    }

    @Test func hostileKeysAreOrdinaryKeys() async throws {
        let names = [
            "..", "../../etc/passwd", "//", "/", "a\u{0}b", "a\u{0}", "a", "a\u{0}\u{0}",
            String(repeating: "é", count: 512),
        ]
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            for (index, name) in names.enumerated() { try await engine.put(name, [UInt8(index)], in: bucket) }
            for (index, name) in names.enumerated() { #expect(try engine.get(name, in: bucket) == [UInt8(index)]) }
            let listed = try engine.list(ListQuery(), in: bucket).objects.map(\.key)
            #expect(listed == names.map(key).sorted())
        }
    }
}

func isBucketNotEmpty(_ error: any Error) -> Bool {
    if case .bucketNotEmpty = error as? EngineError { true } else { false }
}

func isNoSuchBucket(_ error: any Error) -> Bool {
    if case .noSuchBucket = error as? EngineError { true } else { false }
}
