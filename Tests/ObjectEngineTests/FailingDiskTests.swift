import Foundation
import ObjectEngine
import PropertyTesting
import RocksKit
import S3Types
import Testing

import enum Digests.Digest

/// A disk that fails and heals under one engine, again and again: no end of the process, nothing lost that was
/// acknowledged, and writes that come back by themselves.
struct FailingDiskTests {
    /// Each kind of change fails at the n-th time, once, a few times or until the disk is mended.
    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func everyFailureIsSurvivedInPlace(isFull: Bool) async throws {
        let seed = UInt64.random(in: .min ... .max)
        let fixture = EngineFixture()
        let faults = DiskFaults()
        let (notices, sink) = AsyncStream.makeStream(of: EngineNotice.self)
        let (buckets, expected) = try await fixture.withEngine({
            $0.isWatched(nil, sink)
            $0.faults = faults
            // No flush in the background: where the sync of a closed log fails under a commit that waits for it, an
            // assertion of RocksDB's own ends the process.
            $0.ingestThresholdBytes = 1 << 20
        }) { engine in
            var random = SeededGenerator(seed: seed)
            var notices = notices.makeAsyncIterator()
            var expected: Expected = [:]
            let bucket = try await engine.makeBucket()
            var openings = 0
            for round in 1...25 {
                let kinds = [DiskFaults.Kinds.write, .sync, .open, .rename, .all][round % 5]
                let count: UInt64? = [nil, 1, 3][round % 3]
                let note = "seed \(seed), round \(round), \(kinds) \(String(describing: count))"
                faults.arm(countdown: UInt64(round / 5 + 1), count: count, of: kinds, isFull: isFull)
                for _ in 0..<6 { await Self.change(&expected, on: engine, bucket, &random) }
                _ = try? await engine.makeBucket("bucket-\(round)")
                faults.arm(countdown: 0)
                // Each failure of the disk ends in an opening, and no other error may come.
                var failures: [String] = []
                while true {
                    do {
                        try await engine.put("mended", pattern(round * 1000), in: bucket)
                        break
                    } catch EngineError.storage, EngineError.recovering {
                        // Nil at the time limit: whatever the failure was, it was not recovered from.
                        while let notice = await notices.next() {
                            if notice == .openedAnew { break }
                            if case .stillFailed(let reason) = notice { failures.append(reason) }
                            // On a busy machine many came before the disk was mended.
                            try #require(failures.count < 200, "\(note): \(failures)")
                        }
                        try Task.checkCancellation()
                        openings += 1
                    }
                }
                let isMended = try engine.get("mended", in: bucket) == pattern(round * 1000)
                #expect(isMended, "\(note)")
                for (name, bodies) in expected {
                    let found = try Self.body(of: name, on: engine, bucket)
                    // Bodies are too long to be shown.
                    let isExpected = bodies.contains(found)
                    #expect(isExpected, "\(note) \(name) \(bodies.map { $0?.count ?? 0 }) \(found?.count ?? 0)")
                    expected[name] = [found]
                }
            }
            #expect(openings > 10, "seed \(seed): failures must have led to openings")
            await engine.settleReclaim()
            #expect(try engine.check(readsBodies: true).problems == [], "seed \(seed)")
            return (engine.buckets().map(\.name), expected)
        }
        try await fixture.withEngine({ $0.ingestThresholdBytes = 1 << 20 }) { engine in
            #expect(engine.buckets().map(\.name) == buckets, "seed \(seed): what was in memory was on the disk")
            let bucket = try engine.bucket(bucketName())
            for (name, bodies) in expected {
                let isExpected = bodies.contains(try Self.body(of: name, on: engine, bucket))
                #expect(isExpected, "seed \(seed) \(name)")
            }
            #expect(try engine.check(readsBodies: true).problems == [], "seed \(seed)")
        }
        #expect(try fixture.stagedFiles() == [])
    }

    /// What each key may hold: one body, or several after a change whose outcome is unknown.
    private typealias Expected = [String: [[UInt8]?]]

    /// Nil when there is none; any other failure to read is one of the test.
    private static func body(of name: String, on engine: StorageEngine, _ bucket: BucketRecord) throws -> [UInt8]? {
        do { return try engine.get(name, in: bucket) } catch EngineError.noSuchKey { return nil }
    }

    private static let sizes = [100, 40_000, 700_000, 1_300_000]

    private static func change(
        _ expected: inout Expected, on engine: StorageEngine, _ bucket: BucketRecord, _ random: inout SeededGenerator
    ) async {
        let name = "key-\(Int.random(in: 0..<5, using: &random))"
        let body: [UInt8]? =
            Int.random(in: 0..<4, using: &random) == 0
            ? nil : pattern(sizes.randomElement(using: &random) ?? 0, seed: random.next())
        do {
            if let body {
                try await engine.put(name, body, in: bucket)
            } else {
                try await engine.deleteObject(key(name), in: bucket)
            }
            expected[name] = [body]
        } catch {
            expected[name, default: [nil]].append(body)
        }
    }
}
