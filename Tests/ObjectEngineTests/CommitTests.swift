import Digests
import Foundation
import ObjectEngine
import S3Types
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct CommitTests {
    /// Holds the writer back until everything that is to share a batch has been submitted.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        private let isShut = Atomic(false)
        private let waits = Atomic(false)

        /// Whether the writer stands at the gate.
        var holdsWriter: Bool { waits.load(ordering: .sequentiallyConsistent) }

        func shut() { isShut.store(true, ordering: .sequentiallyConsistent) }

        func pass() {
            if isShut.load(ordering: .sequentiallyConsistent) {
                waits.store(true, ordering: .sequentiallyConsistent)
                semaphore.wait()
                waits.store(false, ordering: .sequentiallyConsistent)
            }
        }

        func open() {
            isShut.store(false, ordering: .sequentiallyConsistent)
            semaphore.signal()
        }
    }

    /// Runs changes so that the writer finds all of them waiting at once.
    private func inOneBatch<Outcome: Sendable>(
        _ engine: StorageEngine, _ bucket: BucketRecord, _ gate: Gate, count: Int,
        _ change: @escaping @Sendable (Int) async throws -> Outcome
    ) async throws -> [Result<Outcome, any Error>] {
        gate.shut()
        return try await withThrowingTaskGroup(of: (Int, Result<Outcome, any Error>)?.self) { group in
            group.addTask {
                try await engine.put("holds-the-writer", [0], in: bucket)
                return nil
            }
            // The writer has taken that one; what comes now waits behind it.
            while !gate.holdsWriter { await Task.yield() }
            for index in 0..<count {
                group.addTask {
                    do { return (index, .success(try await change(index))) } catch { return (index, .failure(error)) }
                }
            }
            while engine.statistics().waitingChangeCount < count { await Task.yield() }
            gate.open()
            var results: [Int: Result<Outcome, any Error>] = [:]
            for try await case let (index, result)? in group { results[index] = result }
            return (0..<count).map { results[$0]! }
        }
    }

    @Test func twoConditionalPutsInOneBatchCannotBothWin() async throws {
        let gate = Gate()
        try await EngineFixture().withEngine({ configuration in
            configuration.now = {
                gate.pass()
                return 1
            }
        }) { engine in
            let bucket = try await engine.makeBucket()
            let created = try await inOneBatch(engine, bucket, gate, count: 12) { index in
                try await engine.put(
                    "key", [UInt8(index)], in: bucket, preconditions: WritePreconditions(ifNoneMatch: .any))
            }
            let winners = created.indices.filter { if case .success = created[$0] { true } else { false } }
            #expect(winners.count == 1)
            #expect(try engine.get("key", in: bucket) == [UInt8(winners[0])])
            for (index, result) in created.enumerated() where index != winners[0] {
                #expect(throws: EngineError.self) { try result.get() }
            }
            let tag = try engine.head(key("key"), in: bucket).etag
            let swapped = try await inOneBatch(engine, bucket, gate, count: 12) { index in
                try await engine.put(
                    "key", [100 + UInt8(index)], in: bucket, preconditions: WritePreconditions(ifMatch: .tags([tag])))
            }
            #expect(swapped.filter { if case .success = $0 { true } else { false } }.count == 1)
            let statistics = engine.statistics()
            #expect(statistics.changeCount == 1 + 13 + 13)
            #expect(statistics.groupCount <= 1 + 2 + 2 + 2)
        }
    }

    @Test func aRefusedChangeLeavesNothingInItsBatch() async throws {
        let gate = Gate()
        let fixture = EngineFixture()
        try await fixture.withEngine({ configuration in
            configuration.now = {
                gate.pass()
                return 1
            }
        }) { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("shared", pattern(100_000), in: bucket)
            let source = try engine.object(key("shared"), in: bucket)
            // Every second one is refused after others in the batch have been accepted.
            let results = try await inOneBatch(engine, bucket, gate, count: 10) { index in
                try await engine.copyObject(
                    from: source, to: key("copy-\(index)"), in: bucket, attributes: alice,
                    preconditions: WritePreconditions(ifMatch: index.isMultiple(of: 2) ? nil : .any))
            }
            for (index, result) in results.enumerated() {
                if index.isMultiple(of: 2) {
                    _ = try result.get()
                } else {
                    #expect(throws: EngineError.self) { try result.get() }
                }
            }
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [])
            #expect(report.objectCount == 1 + 1 + 5)
            let head = try engine.list(ListQuery(prefix: "copy-"), in: bucket)
            #expect(head.objects.map(\.key.text) == ["copy-0", "copy-2", "copy-4", "copy-6", "copy-8"])
        }
    }

    @Test func preconditionsSayWhatFailed() async throws {
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            let wrong = WritePreconditions(ifMatch: .tags([try ETag("00000000000000000000000000000000")]))
            await #expect { try await engine.put("key", [1], in: bucket, preconditions: wrong) } throws: { error in
                if case .noSuchKey = error as? EngineError { true } else { false }
            }
            let record = try await engine.put("key", [1], in: bucket)
            await #expect { try await engine.put("key", [2], in: bucket, preconditions: wrong) } throws: {
                failed($0, .ifMatch)
            }
            let none = WritePreconditions(ifNoneMatch: .tags([record.etag]))
            await #expect { try await engine.put("key", [2], in: bucket, preconditions: none) } throws: {
                failed($0, .ifNoneMatch)
            }
            await #expect { try await engine.deleteObject(key("key"), in: bucket, preconditions: wrong) } throws: {
                failed($0, .ifMatch)
            }
            #expect(try engine.get("key", in: bucket) == [1])
            try await engine.put(
                "key", [2], in: bucket, preconditions: WritePreconditions(ifMatch: .tags([record.etag])))
            #expect(try engine.get("key", in: bucket) == [2])
        }
    }

    @Test func manyTasksShareSyncs() async throws {
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        await #expect(throws: Never.self) {
                            try await engine.put("key-\(index)", pattern(4096, seed: UInt64(index)), in: bucket)
                        }
                    }
                }
            }
            let statistics = engine.statistics()
            #expect(statistics.changeCount == 201)
            #expect(statistics.groupCount < 201)
            #expect(try engine.check(readsBodies: true).problems == [])
        }
    }
}

private func failed(_ error: any Error, _ expected: FailedPrecondition) -> Bool {
    if case .preconditionFailed(expected) = error as? EngineError { true } else { false }
}
