import Digests
import ObjectEngine
import PropertyTesting
import S3Types
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct ConcurrencyTests {
    /// Writers, copiers, deleters, uploaders and readers at the same few keys, while space is given up and compacted.
    @Test func whatIsReadIsAlwaysOneObjectWhole() async throws {
        let seed = UInt64.random(in: .min ... .max)
        let names = ["a", "b", "c", "d"]
        let writers = Countdown(6)
        let sizes = [10, 20_000, 40_000, 400_000, 1_500_000]
        try await EngineFixture().withEngine({
            $0.ingestThresholdBytes = 1 << 20
            $0.minimumPartBytes = 1
            $0.deadBlobAllowanceBytes = 1 << 20
        }) { engine in
            let bucket = try await engine.makeBucket()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<6 {
                    group.addTask {
                        defer { writers.leave() }
                        var random = SeededGenerator(seed: seed &+ UInt64(task))
                        for _ in 0..<60 {
                            let name = key(names.randomElement(using: &random)!)
                            let bytes = pattern(sizes.randomElement(using: &random)!, seed: random.next())
                            switch Int.random(in: 0..<5, using: &random) {
                            case 0, 1:
                                try await engine.put(name.text, bytes, in: bucket)
                            case 2:
                                guard let source = try? engine.object(name, in: bucket) else { continue }
                                let target = key(names.randomElement(using: &random)!)
                                do {
                                    _ = try await engine.copyObject(
                                        from: source, to: target, in: bucket, attributes: alice)
                                } catch let error as EngineError {
                                    guard case .sourceChanged = error else { throw error }
                                }
                            case 3:
                                let upload = try await engine.createUpload(name, in: bucket, attributes: alice)
                                let part = try await engine.putPart(1, bytes, of: upload)
                                let listed = [CompletedPart(number: part.number, etag: part.etag)]
                                _ = try await engine.completeUpload(upload, parts: listed)
                            default:
                                try await engine.deleteObject(name, in: bucket)
                            }
                        }
                        return 0
                    }
                }
                for task in 0..<3 {
                    group.addTask {
                        var random = SeededGenerator(seed: seed &- UInt64(task) &- 1)
                        var readCount = 0
                        while writers.count > 0 {
                            guard let handle = try? engine.object(key(names.randomElement(using: &random)!), in: bucket)
                            else {
                                await Task.yield()
                                continue
                            }
                            let crc = CRC.crc64nvme.checksum(try handle.bytes())
                            #expect(
                                CRC.crc64nvme.bytes(of: crc) == handle.record.crc64nvmeChecksum.bytes, "seed \(seed)")
                            readCount += 1
                            await Task.yield()
                        }
                        return readCount
                    }
                }
                var readCount = 0
                for try await count in group { readCount += count }
                #expect(readCount > 0)
            }
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [], "seed \(seed)")
            #expect(engine.statistics().leasedBlobCount == 0)
            for name in names { try await engine.deleteObject(key(name), in: bucket) }
            await engine.settleReclaim()
            #expect(engine.statistics().deadBlobBytes <= 1 << 20)
            #expect(engine.statistics().storedBytes < 4 << 20)
        }
    }
}

/// How many are still at work.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { self.left = Atomic(count) }

    var count: Int { left.load(ordering: .acquiring) }

    func leave() { left.subtract(1, ordering: .releasing) }
}
