import Foundation
import S3Types
import Testing

@testable import ObjectEngine
@testable import RocksKit

struct AuditTests {
    private func stored(_ engine: StorageEngine, in bucket: BucketRecord) async throws {
        for (name, count) in [("empty", 0), ("small", 100), ("middling", 300_000), ("large", 20 << 20)] {
            _ = try await engine.put(name, pattern(count), in: bucket)
        }
        let source = try engine.object(key("middling"), in: bucket)
        _ = try await engine.copyObject(from: source, to: key("copy"), in: bucket, attributes: alice)
        _ = try await engine.deleteObject(key("small"), in: bucket)
    }

    @Test func aWorkedOnDirectoryIsSound() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { engine in try await stored(engine, in: engine.makeBucket()) }
        try await fixture.withEngine { engine in
            await engine.settleReclaim()
            let report = try engine.audit(readsBodies: true)
            #expect(report.isSound, "\(report)")
            #expect(report.bucketCount == 1 && report.objectCount == 4)
            #expect(report.recordedBytes == 600_000 + 20 << 20)
        }
    }

    @Test func whatNothingNamesAndWhatIsMiscountedIsFound() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { engine in
            try await stored(engine, in: engine.makeBucket())
            await engine.settleReclaim()
            var batch = WriteBatch(engine.database)
            try batch.put(StoreKey.chunk(0, of: BlobID(900_000)), [1, 2, 3], in: Family.blob.rawValue)
            try batch.put(StoreKey.inline(900_001), [1], in: Family.inline.rawValue)
            try batch.put(StoreKey.references(BlobID(900_002)), StoreKey.number(1), in: Family.references.rawValue)
            try engine.database.write(batch, isSynced: true)
            let report = try engine.audit(readsBodies: false)
            #expect(report.orphanCount == 2 && report.miscountedCount == 1 && report.damages.isEmpty)
        }
    }

    @Test func changedBytesAreFoundByReadingThem() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { engine in
            let bucket = try await engine.makeBucket()
            try await stored(engine, in: bucket)
            let extent = try #require(try engine.head(key("middling"), in: bucket).body.extents.first)
            var batch = WriteBatch(engine.database)
            try batch.put(
                StoreKey.chunk(0, of: extent.id), pattern(extent.chunkSize(0), seed: 99), in: extent.kind.family.rawValue)
            try engine.database.write(batch, isSynced: true)
            #expect(try engine.audit(readsBodies: false).isSound)
            #expect(try engine.audit(readsBodies: true).damages.count == 2, "the object and its copy")
        }
    }
}
