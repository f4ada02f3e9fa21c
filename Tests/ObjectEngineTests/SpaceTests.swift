import Foundation
import ObjectEngine
import RocksKit
import S3Types
import Synchronization
import Testing

/// A disk that fills up: refused before the end, taken again by itself.
@Suite(.timeLimit(.minutes(3))) struct SpaceTests {
    @Test(.timeLimit(.minutes(1)))
    func aFullDiskRefusesBodiesAloneAndTakesThemAgainByItself() async throws {
        let disk = FreeSpace(1 << 30)
        let fixture = EngineFixture()
        let (notices, sink) = AsyncStream.makeStream(of: EngineNotice.self)
        try await fixture.withEngine({ $0.isWatched(disk, sink) }) { engine in
            var notices = notices.makeAsyncIterator()
            let bucket = try await engine.makeBucket()
            try await engine.put("before", pattern(700_000), in: bucket)
            let upload = try await engine.createUpload(key("parts"), in: bucket, attributes: alice)
            _ = try await engine.putPart(1, pattern(300_000), of: upload)
            // In flight while the disk fills.
            let writer = try engine.beginBlob()
            try writer.append(pattern(300_000))
            disk.set(1 << 20)
            guard case .full(let shortage) = await notices.next() else {
                Issue.record("the shortage was not told")
                return
            }
            #expect(shortage.directory == fixture.directory)
            #expect(shortage.freeBytes == 1 << 20 && shortage.neededBytes > shortage.freeBytes)
            guard case .full = engine.health else {
                Issue.record("the engine knows of its shortage")
                return
            }
            #expect(throws: EngineError.self) { try writer.append(pattern(300_000)) }
            for refused in [
                { _ = try await engine.put("key", [1], in: bucket) },
                { _ = try await engine.makeBucket("other") },
                { _ = try await engine.createUpload(key("k"), in: bucket, attributes: alice) },
                { _ = try await engine.putPart(2, pattern(10), of: upload) },
                {
                    let source = try engine.object(key("before"), in: bucket)
                    _ = try await engine.copyObject(from: source, to: key("copy"), in: bucket, attributes: alice)
                },
            ] as [@Sendable () async throws -> Void] {
                await #expect { try await refused() } throws: { error in
                    guard case .insufficientStorage(let shortage) = error as? EngineError else { return false }
                    return shortage.directory == fixture.directory
                }
            }
            #expect(try engine.get("before", in: bucket) == pattern(700_000))
            #expect(try await engine.deleteObject(key("before"), in: bucket))
            try await engine.abortUpload(upload)
            disk.set(1 << 30)
            #expect(await notices.next() == .roomAgain)
            #expect(engine.health == .well)
            try await engine.put("after", pattern(700_000), in: bucket)
        }
        try await fixture.withEngine { engine in
            await engine.settleReclaim()
            let report = try engine.check(readsBodies: true)
            #expect(report.problems == [])
        }
        #expect(try fixture.stagedFiles() == [])
    }

    @Test func aBodyThatIsAnnouncedTooLargeIsRefusedAloneAndAtOnce() async throws {
        let disk = FreeSpace(64 << 20)
        try await EngineFixture().withEngine({
            $0.freeBytes = { disk.bytes }
            $0.reserveBytes = 8 << 20
        }) { engine in
            let bucket = try await engine.makeBucket()
            #expect { try engine.beginBlob(expectedSizeBytes: 100 << 20) } throws: { error in
                guard case .insufficientStorage(let shortage) = error as? EngineError else { return false }
                return shortage.neededBytes > 100 << 20
            }
            try await engine.put("small", pattern(700_000), in: bucket)
            #expect(engine.health == .well)
        }
    }

    @Test func theReserveIsTakenAtTheStartAndGivenWhenOthersFillTheDisk() async throws {
        let disk = FreeSpace(1 << 30)
        let fixture = EngineFixture()
        let (notices, sink) = AsyncStream.makeStream(of: EngineNotice.self)
        let reserve = fixture.directory + "/reserve"
        try await fixture.withEngine({ $0.isWatched(disk, sink) }) { _ in
            var notices = notices.makeAsyncIterator()
            #expect(fixture.size(of: reserve) == 8 << 20)
            disk.set(0)
            _ = await notices.next()
            #expect(!FileManager.default.fileExists(atPath: reserve))
            disk.set(1 << 30)
            _ = await notices.next()
            #expect(fixture.size(of: reserve) == 8 << 20)
        }
    }

    /// Deleted bytes of every size come back without a restart while the disk is full.
    @Test(.timeLimit(.minutes(1)))
    func onAFullDiskTheSpaceOfTheDeletedComesBack() async throws {
        let disk = FreeSpace(1 << 30)
        let fixture = EngineFixture()
        let (notices, sink) = AsyncStream.makeStream(of: EngineNotice.self)
        try await fixture.withEngine({
            $0.isWatched(disk, sink)
            // Left alone, nothing of this would come back.
            $0.deadBlobAllowanceBytes = 1 << 40
        }) { engine in
            var notices = notices.makeAsyncIterator()
            let bucket = try await engine.makeBucket()
            for number in 0..<40 {
                try await engine.put("\(number)", pattern(300_000, seed: UInt64(number)), in: bucket)
            }
            disk.set(1 << 20)
            _ = await notices.next()
            for number in 0..<40 { try await engine.deleteObject(key("\(number)"), in: bucket) }
            // The relief is asked for by the watch; each round waits for whatever it has asked for by then.
            repeat { await engine.settleReclaim() } while engine.statistics().deadBlobBytes > 0
            #expect(engine.statistics().storedBytes < 1 << 20)
        }
    }
}

/// What a filesystem is said to have free.
final class FreeSpace: Sendable {
    private let value: Mutex<UInt64>

    init(_ bytes: UInt64) { self.value = Mutex(bytes) }

    var bytes: UInt64 { value.withLock { $0 } }

    func set(_ bytes: UInt64) { value.withLock { $0 = bytes } }
}

extension EngineConfiguration {
    /// A small reserve, a filesystem that is said to have this free, and notices as they come.
    mutating func isWatched(_ disk: FreeSpace?, _ sink: AsyncStream<EngineNotice>.Continuation) {
        reserveBytes = 8 << 20
        watchMilliseconds = 5
        if let disk { freeBytes = { disk.bytes } }
        notify = { notice in
            switch notice {
            // RocksDB's own words are another test's.
            case .warning, .error, .droppedMessages: break
            default: sink.yield(notice)
            }
        }
    }
}
