import Foundation
import ObjectEngine
import PropertyTesting
import RocksKit
import S3Types
import Synchronization
import Testing

/// What a crash may and may not do: whatever was acknowledged is whole, everything else is whole or absent, and no byte
/// stays that nothing names.
@Suite(.timeLimit(.minutes(3))) struct CrashTests {
    /// The n-th time a point is passed, the process is killed; a new one opens the directory.
    @Test(arguments: [
        (EnginePoint.chunkWritten, 3), (.tableStaged, 2), (.tablesIngested, 2), (.groupDecided, 1), (.groupDecided, 9),
        (.groupWritten, 1),
        (.groupWritten, 7), (.bytesReclaimed, 1), (.bytesReclaimed, 3),
    ])
    func aKilledProcessLosesNothingItAcknowledged(point: EnginePoint, occurrence: Int) async throws {
        let fixture = EngineFixture()
        let directory = fixture.directory
        let name = point.rawValue
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, name = name as String, occurrence = occurrence as Int] in
            let passed = Atomic(0)
            var configuration = EngineConfiguration(directory: directory)
            configuration.ingestThresholdBytes = 1 << 20
            configuration.reached = { point in
                if point.rawValue == name, passed.add(1, ordering: .relaxed).newValue == occurrence {
                    kill(getpid(), SIGKILL)
                }
            }
            let engine = try StorageEngine.open(configuration)
            try await withTaskExecutorPreference(engine.executor) {
                try await Workload(directory: directory).run(on: engine)
            }
        }
        try await verify(fixture)
    }

    /// The disk fails at a random moment, for good; then power is cut, and what was not synced is gone.
    @Test(arguments: 0..<12)
    func aPowerCutLosesNothingItAcknowledged(round: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let fixture = EngineFixture()
        let faults = DiskFaults()
        let countdown = UInt64.random(in: 20...400, using: &random)
        do {
            var configuration = EngineConfiguration(directory: fixture.directory)
            configuration.threadCount = 4
            configuration.ingestThresholdBytes = 1 << 20
            configuration.faults = faults
            let engine = try StorageEngine.open(configuration)
            faults.arm(countdown: countdown)
            await withTaskExecutorPreference(engine.executor) {
                // It fails somewhere on the way, or had less to write than that.
                try? await Workload(directory: fixture.directory).run(on: engine)
            }
            faults.arm(countdown: 1)
            engine.close()
        }
        try faults.loseUnsynced()
        try await verify(fixture, "seed \(seed), countdown \(countdown)")
    }

    @Test func afterAFullDiskTheStoreReadsOnAndWritesAgainOnceOpenedAnew() async throws {
        let fixture = EngineFixture()
        let faults = DiskFaults()
        try await fixture.withEngine({ $0.faults = faults }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("before", pattern(5000), in: bucket)
            faults.arm(countdown: 1, isFull: true)
            await #expect { try await engine.put("key", pattern(5000), in: bucket) } throws: {
                ($0 as? EngineError)?.isFullDisk ?? false
            }
            await #expect(throws: EngineError.self) { try await engine.put("key", pattern(5000), in: bucket) }
            #expect(try engine.get("before", in: bucket) == pattern(5000))
            #expect(engine.statistics().backgroundErrorCount > 0)
            faults.arm(countdown: 0)
        }
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            try await engine.put("after", pattern(5000), in: bucket)
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [])
            #expect(try engine.get("before", in: bucket) == pattern(5000))
        }
    }

    private func verify(_ fixture: EngineFixture, _ note: String = "") async throws {
        #expect(FileManager.default.fileExists(atPath: fixture.directory + "/acknowledged"), "\(note)")
        let acknowledged = try Workload(directory: fixture.directory).acknowledged()
        try await fixture.withEngine({ $0.ingestThresholdBytes = 1 << 20 }) { engine in
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [], "\(note)")
            guard let bucket = engine.buckets().first else {
                #expect(acknowledged.isEmpty, "\(note)")
                return
            }
            for (name, step) in acknowledged {
                let bytes = try? engine.get(name, in: bucket)
                // What came after the last acknowledged step of a key may have happened too, and wholly.
                #expect(Workload.bodies(of: name, from: step).contains(bytes), "\(note) \(name) \(step)")
            }
            // The store works on.
            try await engine.put("after", pattern(2 << 20), in: bucket)
            #expect(try engine.get("after", in: bucket) == pattern(2 << 20))
        }
        #expect(try fixture.stagedFiles() == [])
    }
}

/// Writers of their own keys, each step of a key known, and a file that says which steps were acknowledged.
struct Workload: Sendable {
    private static let stepCount = 6
    private static let sizes = [100, 40_000, 700_000, 3 << 20]

    let directory: String

    private var path: String { directory + "/acknowledged" }

    private static func body(_ name: String, _ step: Int) -> [UInt8]? {
        // The fourth step deletes.
        if step % 4 == 3 { return nil }
        let number = Int(name.drop { !$0.isNumber }) ?? 0
        return pattern(sizes[(number + step) % sizes.count], seed: UInt64(number * 100 + step))
    }

    /// What a key may hold when this step was the last to be acknowledged.
    static func bodies(of name: String, from step: Int) -> [[UInt8]?] {
        [body(name, step), step + 1 < stepCount ? body(name, step + 1) : nil].enumerated()
            .filter { $0.offset == 0 || step + 1 < stepCount }.map(\.element)
    }

    /// The last acknowledged step of each key.
    func acknowledged() throws -> [String: Int] {
        var steps: [String: Int] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            // A torn last line names nothing.
            guard words.count == 3, words[2] == ".", let step = Int(words[1]) else { continue }
            steps[String(words[0])] = step
        }
        return steps
    }

    func run(on engine: StorageEngine) async throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(descriptor) }
        let bucket = try await engine.makeBucket()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let name = "key-\(number)"
                    for step in 0..<Self.stepCount {
                        if let body = Self.body(name, step) {
                            if number.isMultiple(of: 3) {
                                try await upload(name, body, to: bucket, on: engine)
                            } else {
                                try await engine.put(name, body, in: bucket)
                            }
                        } else {
                            try await engine.deleteObject(key(name), in: bucket)
                        }
                        let line = Array("\(name) \(step) .\n".utf8)
                        _ = write(descriptor, line, line.count)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func upload(_ name: String, _ body: [UInt8], to bucket: BucketRecord, on engine: StorageEngine) async throws
    {
        let upload = try await engine.createUpload(key(name), in: bucket, attributes: alice)
        let part = try await engine.putPart(1, body, of: upload)
        _ = try await engine.completeUpload(upload, parts: [CompletedPart(number: part.number, etag: part.etag)])
    }
}
