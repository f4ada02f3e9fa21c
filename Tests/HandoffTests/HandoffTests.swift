import CLinux
import Glibc
import Names
import SealedMemory
import Testing

@testable import Handoff

@Suite(.timeLimit(.minutes(1))) struct HandoffTests {
    @Test func anOfferedImageBecomesLiveAndTheOneBeforeIsReleased() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        let greeting = try #require(await pair.connect())
        #expect(greeting.hello.imageVersions == [1, 2])
        #expect(greeting.hello.highestGeneration == 0 && greeting.live.isEmpty)

        try pair.link.offer(makeOffer(1, content: [1, 2, 3]), memory: SealedMemory(copying: [1, 2, 3], name: "test"))
        #expect(await pair.events.live() == 1)
        try pair.link.offer(makeOffer(2, content: [4, 5]), memory: SealedMemory(copying: [4, 5], name: "test"))
        #expect(await pair.events.live() == 2)
        #expect(
            pair.holder.recorded == [
                .adopt(generation: 1, content: [1, 2, 3]), .adopt(generation: 2, content: [4, 5]),
            ])
        #expect(pair.listener.heldImages.map(\.phase) == [.draining, .live])

        pair.listener.release(generation: 1)
        #expect(await pair.events.released() == 1)
        #expect(pair.listener.heldImages.map(\.offer.generation) == [2])
    }

    @Test func modelsAreLiveSideBySideAndRetireOneByOne() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        try pair.link.offer(makeOffer(1, model: "a", content: [1]), memory: SealedMemory(copying: [1], name: "test"))
        try pair.link.offer(makeOffer(2, model: "b", content: [2]), memory: SealedMemory(copying: [2], name: "test"))
        #expect(await pair.events.live() == 1)
        #expect(await pair.events.live() == 2)
        #expect(pair.listener.heldImages.map(\.phase) == [.live, .live])
        try pair.link.retire(model: "a")
        #expect(
            await pair.notes.next { note -> Name? in if case .retired(let model) = note { model } else { nil } } == "a")
        #expect(pair.holder.recorded.last == .retire("a"))
        #expect(pair.listener.heldImages.map(\.phase) == [.draining, .live])
    }

    @Test func aSidecarThatComesBackIsGivenWhatIsHeld() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        try pair.link.offer(makeOffer(3, content: [1]), memory: SealedMemory(copying: [1], name: "test"))
        try pair.link.offer(makeOffer(7, content: [2, 2]), memory: SealedMemory(copying: [2, 2], name: "test"))
        #expect(await pair.events.live() == 3)
        #expect(await pair.events.live() == 7)
        pair.link.stop()

        let events = Inbox<ExecutorLink.Event>()
        let second = ExecutorLink(path: pair.path) { events.put($0) }
        second.start()
        defer { second.stop() }
        let greeting = try #require(await events.connected())
        #expect(greeting.hello.highestGeneration == 7)
        #expect(greeting.live.map(\.offer) == [try makeOffer(7, content: [2, 2])])
        #expect(greeting.draining.map(\.offer.generation) == [3])
        #expect(try greeting.live[0].memory.mapped().copied == [2, 2])
        #expect(pair.holder.recorded.count == 2, "nothing was swapped")

        pair.listener.release(generation: 3)
        #expect(await events.released() == 3)
    }

    @Test func anExecutorThatComesBackIsConnectedAgain() async throws {
        let pair = try Pair()
        _ = await pair.connect()
        pair.listener.stop()
        let reason = try #require(await pair.events.disconnected())
        #expect(reason == .farewell(Farewell(code: .shuttingDown, reason: "the executor ends")))
        #expect(throws: HandoffError.notConnected) { try pair.link.retire(model: "filter") }
        #expect(await pair.events.unreachable() == .system(cause: .system(call: "connect", errno: ENOENT)))

        let second = try HandoffListener(path: pair.path, allowedUID: geteuid(), holder: RecordingHolder()) { _ in }
        let greeting = try #require(await pair.events.connected())
        #expect(greeting.live.isEmpty)
        pair.link.stop()
        second.stop()
    }

    @Test func aSecondSidecarIsRefusedWithAReasonUntilTheFirstLeaves() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        let events = Inbox<ExecutorLink.Event>()
        let second = ExecutorLink(path: pair.path) { events.put($0) }
        second.start()
        defer { second.stop() }
        let reason = await events.unreachable()
        #expect(reason == .farewell(Farewell(code: .busy, reason: "another sidecar is connected")))
        pair.link.stop()
        #expect(await events.connected() != nil)
    }

    @Test func whatTheHolderRefusesIsToldAndForgotten() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        let refusal = ImageRefusal(code: .invalidImage, reason: "a child index beyond its tree")
        pair.holder.refuseNext(refusal)
        try pair.link.offer(makeOffer(1, content: [1]), memory: SealedMemory(copying: [1], name: "test"))
        let answer = try #require(await pair.events.refused())
        #expect(answer == (1, refusal))
        #expect(pair.listener.heldImages.isEmpty)
    }

    @Test func offersThatCannotBeAreRefusedBeforeTheHolderSeesThem() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        let memory = try SealedMemory(copying: [1, 2], name: "test")
        try pair.link.offer(makeOffer(5, content: [1, 2]), memory: memory)
        #expect(await pair.events.live() == 5)
        let impossible: [(ImageOffer, ImageRefusal.Code)] = [
            (try makeOffer(5, content: [1, 2]), .staleGeneration),
            (try makeOffer(4, content: [1, 2]), .staleGeneration),
            (try makeOffer(6, content: [1, 2, 3]), .invalidImage),
            (try makeOffer(7, content: [1, 2], imageVersion: 9), .imageVersion),
        ]
        for (offer, code) in impossible {
            try pair.link.offer(offer, memory: memory)
            let answer = try #require(await pair.events.refused())
            #expect(answer.0 == offer.generation && answer.1.code == code)
        }
        #expect(pair.holder.recorded.count == 1)
    }

    @Test func aReleaseBeforeAnyoneListensIsSeenInTheNextGreeting() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        _ = await pair.connect()
        try pair.link.offer(makeOffer(1, content: [1]), memory: SealedMemory(copying: [1], name: "test"))
        #expect(await pair.events.live() == 1)
        pair.link.stop()
        pair.listener.release(generation: 1)
        pair.listener.release(generation: 99)
        let events = Inbox<ExecutorLink.Event>()
        let second = ExecutorLink(path: pair.path) { events.put($0) }
        second.start()
        defer { second.stop() }
        let greeting = try #require(await events.connected())
        #expect(greeting.live.isEmpty && greeting.hello.highestGeneration == 1)
    }
}

@Suite(.timeLimit(.minutes(3))) struct ControlSocketTests {
    @Test func theSocketIsForItsOwnerAlone() throws {
        let path = temporaryPath()
        let descriptor = try bindControlSocket(path: path, allowedUserID: geteuid())
        defer { close(descriptor) }
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        unlink(path)
    }

    @Test func whatAnEndedProcessLeftIsReplacedAndALivingOneIsNot() throws {
        let path = temporaryPath()
        close(try bindControlSocket(path: path, allowedUserID: geteuid()))
        let second = try bindControlSocket(path: path, allowedUserID: geteuid())
        #expect(throws: HandoffError.addressInUse(path: path)) {
            _ = try bindControlSocket(path: path, allowedUserID: geteuid())
        }
        close(second)
        unlink(path)
    }

    @Test func aFileThatIsNoSocketIsNeverRemoved() throws {
        let path = temporaryPath()
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: HandoffError.addressInUse(path: path)) {
            _ = try bindControlSocket(path: path, allowedUserID: geteuid())
        }
        #expect(unlink(path) == 0)
    }

    @Test func aPathTooLongForASocketIsNamed() {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        #expect(throws: HandoffError.unusablePath(path)) {
            _ = try bindControlSocket(path: path, allowedUserID: geteuid())
        }
    }

    @Test func anotherUserIsRefused() async throws {
        let path = temporaryPath()
        let notes = Inbox<HandoffNote>()
        // Every user but this one; root may give a socket away, so the test runs as any user.
        let listener = try? HandoffListener(
            path: path, allowedUID: geteuid() == 0 ? 12345 : 0, holder: RecordingHolder()
        ) {
            notes.put($0)
        }
        let opened = try #require(listener)
        defer { opened.stop() }
        let socket = try DescriptorSocket(connectingTo: path)
        #expect(await notes.next { if case .refusedPeer(let user) = $0 { user } else { nil } } == geteuid())
        let isClosed = (try? socket.receive(1)) == nil
        #expect(isClosed)
    }
}

@Suite(.timeLimit(.minutes(3))) struct PausesTests {
    @Test func pausesDoubleUpToTheLongestAndAreDrawnFromTheirUpperHalf() {
        let pauses = ExecutorLink.Pauses(shortest: .milliseconds(10), longest: .seconds(2))
        var pause = pauses.shortest
        var sum = Duration.zero
        var attemptCount = 0
        while sum < .seconds(20) {
            for _ in 0..<100 { #expect((pause / 2...pause).contains(pauses.drawn(pause))) }
            sum += pause / 2
            pause = pauses.next(after: pause)
            attemptCount += 1
        }
        #expect(pause == .seconds(2))
        #expect(attemptCount < 40, "in twenty seconds, however the pauses are drawn")
    }

    @Test func aSignalThatCameStays() {
        let signal = StopSignal()
        #expect(!signal.wait(atMost: .milliseconds(1)))
        signal.signal()
        #expect(signal.wait(atMost: .seconds(60)) && signal.wait(atMost: .seconds(60)))
    }
}
