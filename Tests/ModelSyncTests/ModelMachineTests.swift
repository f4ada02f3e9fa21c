import Digests
import Handoff
import Names
import S3Types
import SealedMemory
import Testing

@testable import ModelSync

/// The decisions alone, without a bucket, a cache or an executor.
@Suite(.timeLimit(.minutes(3))) struct ModelMachineTests {
    private static func machine() -> ModelMachine {
        ModelMachine(model: "m", clock: SyncClock(elapsed: { .zero }, wallTime: { "now" }))
    }

    private static func reference(_ number: Int) throws -> ArtifactReference {
        ArtifactReference(
            key: try ObjectKey("m/model.bin"), etag: try ETag("e\(number)"), sizeBytes: 1, isBundle: false)
    }

    private static func image(_ number: UInt8) throws -> HotImage {
        HotImage(
            model: "m", version: "e\(number)", artifactDigest: digest(number), imageDigest: digest(number),
            imageVersion: 1,
            memory: try SealedMemory(copying: [number], name: "test"))
    }

    private static func digest(_ number: UInt8) -> ContentDigest {
        ContentDigest(bytes: Array(repeating: number, count: 32))!
    }

    /// Brings version 1 live on executor `x` as generation 1.
    private static func liveMachine() throws -> ModelMachine {
        var machine = machine()
        _ = machine.connected("x", live: nil, draining: [])
        let attempt = try #require(machine.notice(try reference(1)).start)
        let image = try image(1)
        #expect(machine.prepared(image, in: attempt).update == ["x"])
        #expect(machine.due("x") === image)
        machine.offered(image, generation: 1, to: "x")
        #expect(machine.due("x") == nil)
        let actions = machine.live(1, on: "x")
        #expect(actions.remember?.image === image)
        return machine
    }

    @Test func aNewerArtifactSupersedesTheOneInWork() throws {
        var machine = Self.machine()
        let first = try #require(machine.notice(try Self.reference(1)).start)
        var goesOn = machine.took(.fetching, bytes: nil, in: first)
        #expect(goesOn)
        #expect(machine.notice(try Self.reference(2)).start == nil, "one at a time")
        goesOn = machine.took(.verified, bytes: nil, in: first)
        #expect(!goesOn)
        let second = try #require(machine.abandoned(first).start)
        #expect(second.reference == (try Self.reference(2)))
        #expect(machine.abandoned(first).start == nil, "said twice is done once")
    }

    @Test func aSupersededArtifactThatWasPreparedIsNotOffered() throws {
        var machine = Self.machine()
        let first = try #require(machine.notice(try Self.reference(1)).start)
        _ = machine.notice(try Self.reference(2))
        let actions = machine.prepared(try Self.image(1), in: first)
        #expect(actions.start?.reference == (try Self.reference(2)))
        #expect(machine.wanted == nil)
    }

    @Test func theSameArtifactNoticedAgainStartsNothing() throws {
        var machine = try Self.liveMachine()
        #expect(machine.notice(try Self.reference(1)).start == nil)
    }

    @Test func aFailureIsTriedAgainOnlyWhenItMayPass() throws {
        var machine = try Self.liveMachine()
        let attempt = try #require(machine.notice(try Self.reference(2)).start)
        var actions = machine.failed("bad", at: .unpacked, isPassing: false, in: attempt)
        #expect(actions.retryAfter == nil)
        #expect(machine.notice(try Self.reference(2)).start == nil, "the same bytes fail again")
        let third = try #require(machine.notice(try Self.reference(3)).start)
        actions = machine.failed("no disk", at: .cached, isPassing: true, in: third)
        #expect(actions.retryAfter == .seconds(1))
        let again = try #require(machine.retry().start)
        #expect(machine.failed("no disk", at: .cached, isPassing: true, in: again).retryAfter == .seconds(2))
        let back = machine.notice(try Self.reference(1))
        #expect(back.start == nil)
        #expect(machine.failure == nil, "what is live is what is wanted")
    }

    @Test func aReleaseMayComeBeforeTheWordThatAnotherIsLive() throws {
        var machine = try Self.liveMachine()
        let attempt = try #require(machine.notice(try Self.reference(2)).start)
        let second = try Self.image(2)
        _ = machine.prepared(second, in: attempt)
        machine.offered(second, generation: 2, to: "x")
        var isMine = machine.released(1, on: "x")
        #expect(isMine)
        _ = machine.live(2, on: "x")
        #expect(machine.executors["x"]?.draining == [])
        #expect(machine.executors["x"]?.live?.image === second)
        isMine = machine.released(1, on: "x")
        #expect(!isMine, "it is gone")
    }

    @Test func withSeveralExecutorsOneThatTakesItMakesItLiveAndRefusalsAreTold() throws {
        var machine = try Self.liveMachine()
        _ = machine.connected("y", live: nil, draining: [])
        let attempt = try #require(machine.notice(try Self.reference(2)).start)
        let second = try Self.image(2)
        #expect(Set(machine.prepared(second, in: attempt).update) == ["x", "y"])
        machine.offered(second, generation: 2, to: "x")
        machine.offered(second, generation: 1, to: "y")
        #expect(machine.live(2, on: "x").remember == nil, "y has not answered")
        let actions = machine.refused(1, on: "y", reason: "no room")
        #expect(actions.remember?.image === second)
        #expect(machine.current?.image === second)
        #expect(machine.failure?.reason.contains("no room") == true)
        #expect(machine.due("y") == nil, "it is not offered again what it refused")
    }

    @Test func anExecutorThatGoesAwayDoesNotHoldUpTheOthers() throws {
        var machine = try Self.liveMachine()
        _ = machine.connected("y", live: nil, draining: [])
        let attempt = try #require(machine.notice(try Self.reference(2)).start)
        let second = try Self.image(2)
        _ = machine.prepared(second, in: attempt)
        machine.offered(second, generation: 2, to: "x")
        _ = machine.live(2, on: "x")
        #expect(machine.disconnected("y").remember?.image === second)
    }

    @Test func whatAllRefuseIsDroppedAndTheLiveOneIsWantedAgain() throws {
        var machine = try Self.liveMachine()
        let first = machine.current?.image
        let attempt = try #require(machine.notice(try Self.reference(2)).start)
        let second = try Self.image(2)
        _ = machine.prepared(second, in: attempt)
        machine.offered(second, generation: 2, to: "x")
        _ = machine.refused(2, on: "x", reason: "invalid")
        #expect(machine.wanted === first && machine.due("x") == nil)
        _ = machine.disconnected("x")
        #expect(machine.connected("x", live: nil, draining: []).update == ["x"])
        #expect(machine.due("x") === first, "an executor that starts anew gets what was live")
    }

    @Test func anUnknownGenerationChangesNothing() throws {
        var machine = try Self.liveMachine()
        #expect(machine.live(99, on: "x").remember == nil)
        #expect(machine.refused(99, on: "x", reason: "").update.isEmpty)
        for (generation, path) in [(99, "x"), (1, "nobody")] as [(UInt64, Name)] {
            let isMine = machine.released(generation, on: path)
            #expect(!isMine)
        }
        #expect(machine.executors["x"]?.live?.generation == 1)
    }
}
