import Foundation
import ObjectEngine
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct LeaseTests {
    /// Middling and large bodies; the large one's table would be unlinked under the reader.
    @Test(arguments: [600_000, 5 << 20])
    func aSlowReaderGetsTheOldBytesWholeAcrossOverwriteDeleteAndReclaim(size: Int) async throws {
        let old = pattern(size, seed: 1)
        let new = pattern(size, seed: 2)
        let fixture = EngineFixture()
        try await fixture.withEngine({
            $0.ingestThresholdBytes = 4 << 20
            $0.deadBlobAllowanceBytes = 0
        }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("key", old, in: bucket, expected: UInt64(size))
            do {
                let slow = try engine.object(key("key"), in: bucket)
                var reader = slow.reader
                var bytes: [UInt8] = []
                func step() throws -> Bool {
                    guard let chunk = try reader.next() else { return false }
                    chunk.withBytes { span in span.withUnsafeBytes { bytes.append(contentsOf: $0) } }
                    return true
                }
                #expect(try step())
                try await engine.put("key", new, in: bucket, expected: UInt64(size))
                await engine.settleReclaim()
                #expect(try step())
                try await engine.deleteObject(key("key"), in: bucket)
                await engine.settleReclaim()
                while try step() {}
                #expect(bytes == old)
                #expect(engine.statistics().leasedBlobCount == 1)
            }
            await engine.settleReclaim()
            #expect(engine.statistics().leasedBlobCount == 0)
            #expect(engine.statistics().storedBytes < UInt64(size) / 2)
            #expect(try engine.check(readsBodies: true).problems == [])
        }
    }

    /// A file that shrinks under a mapping would end the process; read, it is an error of that one request.
    @Test(arguments: [600_000, 6 << 20])
    func aFileTruncatedUnderAReaderIsAnErrorOfThatRead(size: Int) async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine({ $0.ingestThresholdBytes = 4 << 20 }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("key", pattern(size), in: bucket, expected: UInt64(size))
            try await engine.put("small", [1, 2, 3], in: bucket)
        }
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            var reader = try engine.object(key("key"), in: bucket).reader
            #expect(try reader.next() != nil)
            let suffix = size < 4 << 20 ? ".blob" : ".sst"
            let file = try #require(
                fixture.files().filter { $0.hasSuffix(suffix) }.max { fixture.size(of: $0) < fixture.size(of: $1) })
            #expect(truncate(file, off_t(size / 2)) == 0)
            #expect(throws: EngineError.self) { while try reader.next() != nil {} }
            #expect(try engine.get("small", in: bucket) == [1, 2, 3])
            let report = try engine.check(readsBodies: true)
            #expect(report.problems.count == 1)
            #expect("\(report.problems)".contains("the body of models/\"key\" is damaged"))
        }
    }

    @Test func theSpaceOfDeletedMiddlingBodiesComesBackWithinTheBound() async throws {
        let fixture = EngineFixture()
        let allowance: UInt64 = 4 << 20
        try await fixture.withEngine({ $0.deadBlobAllowanceBytes = allowance }) { engine in
            let bucket = try await engine.makeBucket()
            for index in 0..<12 {
                try await engine.put("key-\(index)", pattern(2 << 20, seed: UInt64(index)), in: bucket)
            }
            for index in 0..<11 { try await engine.deleteObject(key("key-\(index)"), in: bucket) }
            await engine.settleReclaim()
            let living: UInt64 = 2 << 20
            #expect(engine.statistics().deadBlobBytes <= max(allowance, living / 2))
            #expect(engine.statistics().storedBytes <= living + max(allowance, living / 2) + (1 << 20))
            #expect(try engine.get("key-11", in: bucket) == pattern(2 << 20, seed: 11))
        }
    }

    @Test func aBodyThatNobodyCommitsLeavesNothingBehind() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine({ $0.ingestThresholdBytes = 4 << 20 }) { engine in
            let bucket = try await engine.makeBucket()
            for size in [100, 1 << 20, 5 << 20] {
                // Dropped half-way, dropped when finished, refused by the writer.
                for expected in [nil, UInt64(size)] {
                    let writer = try engine.beginBlob(expectedSizeBytes: expected)
                    try writer.append(pattern(size))
                }
                _ = try engine.blob(pattern(size), expected: UInt64(size))
                await #expect(throws: EngineError.self) {
                    try await engine.put(
                        "key", pattern(size), in: bucket, preconditions: WritePreconditions(ifMatch: .any))
                }
            }
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report == CheckReport())
        }
        #expect(try fixture.stagedFiles() == [])
        try await fixture.withEngine { engine in
            let report = try engine.check(readsBodies: true)
            #expect(report == CheckReport())
            #expect(engine.statistics().storedBytes < 1 << 20)
        }
    }
}
