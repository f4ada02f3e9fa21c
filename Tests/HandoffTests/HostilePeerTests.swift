import CLinux
import Glibc
import PropertyTesting
import Testing

@testable import Handoff
@testable import SealedMemory

/// Peers that break the protocol: the other end says so, closes, and goes on with the next.
@Suite(.timeLimit(.minutes(1))) struct HostilePeerTests {
    private static let header = HandoffMessage.headerByteCount

    @Test(
        arguments: [
            ("a giant body", [0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0]),
            ("a body just over the limit", [1, 0x40, 0, 0, 3, 0, 0, 0]),
            ("an unknown kind", [0, 0, 0, 0, 77, 0, 0, 0]),
            ("two descriptors announced", [2, 0, 0, 0, 3, 2, 0, 0]),
            ("a reserved field in use", [2, 0, 0, 0, 3, 0, 1, 0, 1, 0]),
            ("a begin cut short", [1, 0, 0, 0, 3, 0, 0, 0, 1]),
            ("a begin with a byte too many", [3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0]),
            ("a version that nobody speaks", [2, 0, 0, 0, 3, 0, 0, 0, 9, 0]),
            ("something else than begin", [8, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [UInt8])])
    func theExecutorEndsTheSessionAndTakesTheNext(claim: String, bytes: [UInt8]) async throws {
        let pair = try Pair()
        defer { pair.stop() }
        let socket = try DescriptorSocket(connectingTo: pair.path)
        _ = try socket.receive(Self.header)
        try socket.send(bytes)
        #expect(
            await pair.notes.next { if case .disconnected(let error) = $0 { error } else { nil } } != nil, "\(claim)")
        #expect(await pair.connect() != nil)
        #expect(pair.holder.recorded.isEmpty)
    }

    @Test func randomBytesNeverReachTheHolder() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        var random = SeededGenerator.printed()
        for _ in 0..<200 {
            let socket = try DescriptorSocket(connectingTo: pair.path)
            // Half of them say begin first, so that the noise meets the session proper.
            var bytes = Bool.random(using: &random) ? HandoffMessage.begin(version: 1).encoded() : []
            bytes += (0..<Int.random(in: 1...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            try? socket.send(bytes)
            socket.shutDown()
            #expect(
                await pair.notes.next {
                    switch $0 {
                    case .disconnected, .refusedSecond: true
                    default: nil
                    }
                } == true)
        }
        #expect(pair.holder.recorded.isEmpty)
        #expect(await pair.connect() != nil)
    }

    @Test func anUnsealedMemoryIsRefusedAndTheSessionGoesOn() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        let socket = try DescriptorSocket(connectingTo: pair.path)
        let stream = MessageStream(socket)
        _ = try stream.receive(within: nil)
        try stream.send(.begin(version: 1))
        let unsealed = clinux_memfd_create("test")
        ftruncate(unsealed, 2)
        try stream.send(.offer(makeOffer(1, content: [0, 0])), memory: SealedMemory(sealed: unsealed, sizeBytes: 2))
        guard case .refused(1, let refusal) = try stream.receive(within: nil).message else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.code == .invalidImage)
        try stream.send(.offer(makeOffer(2, content: [7])), memory: SealedMemory(copying: [7], name: "test"))
        #expect(try stream.receive(within: nil).message == .live(generation: 2))
    }

    @Test func anOfferWithoutItsDescriptorEndsTheSession() async throws {
        let pair = try Pair()
        defer { pair.stop() }
        let stream = MessageStream(try DescriptorSocket(connectingTo: pair.path))
        _ = try stream.receive(within: nil)
        try stream.send(.begin(version: 1))
        try stream.send(.offer(makeOffer(1, content: [0, 0])))
        guard case .farewell(let farewell) = try stream.receive(within: nil).message else {
            Issue.record("no farewell")
            return
        }
        #expect(farewell.code == .violation)
        #expect(pair.holder.recorded.isEmpty)
    }

    @Test(
        arguments: [
            ("no hello", HandoffMessage.live(generation: 1).encoded()),
            ("noise", Array(repeating: 0xAA, count: 64)),
            ("a hello of a later protocol alone", laterHello()),
            ("more held images than may be", floodingHello()),
            ("a hello after which no generation is left", hello(highest: .max - 1)),
            ("the last generation of all", hello(highest: .max)),
            ("a farewell", HandoffMessage.farewell(Farewell(code: .busy, reason: "no")).encoded()),
        ] as [(String, [UInt8])])
    func theSidecarSaysWhyAndTriesAgain(claim: String, bytes: [UInt8]) async throws {
        let path = temporaryPath()
        let listening = try bindControlSocket(path: path, allowedUserID: geteuid())
        defer {
            close(listening)
            unlink(path)
        }
        let events = Inbox<ExecutorLink.Event>()
        let link = ExecutorLink(path: path) { events.put($0) }
        link.start()
        defer { link.stop() }
        for _ in 0..<2 {
            let socket = try DescriptorSocket(acceptedOn: listening)
            try? socket.send(bytes)
            socket.shutDown()
        }
        #expect(await events.unreachable() != nil, "\(claim)")
    }

    /// A generation above the highest could be given out again while it is held.
    @Test func aHeldImageAboveTheHighestGenerationIsAViolation() async throws {
        let path = temporaryPath()
        let listening = try bindControlSocket(path: path, allowedUserID: geteuid())
        defer {
            close(listening)
            unlink(path)
        }
        let events = Inbox<ExecutorLink.Event>()
        let link = ExecutorLink(path: path) { events.put($0) }
        link.start()
        defer { link.stop() }
        let stream = MessageStream(try DescriptorSocket(acceptedOn: listening))
        try stream.send(
            .hello(Hello(protocolVersions: 1...1, imageVersions: [1], highestGeneration: 4, heldCount: 1)))
        try stream.send(
            .held(makeOffer(5, content: [7]), .live), memory: SealedMemory(copying: [7], name: "test"))
        #expect(
            await events.unreachable()
                == .violation("generation 5 held, above the highest that the hello says"))
    }

    private static func laterHello() -> [UInt8] {
        HandoffMessage.hello(
            Hello(protocolVersions: 8...9, imageVersions: [1], highestGeneration: 0, heldCount: 0)
        ).encoded()
    }

    private static func hello(highest: UInt64, heldCount: Int = 0) -> [UInt8] {
        HandoffMessage.hello(
            Hello(protocolVersions: 1...1, imageVersions: [1], highestGeneration: highest, heldCount: heldCount)
        ).encoded()
    }

    private static func floodingHello() -> [UInt8] {
        HandoffMessage.hello(
            Hello(protocolVersions: 1...1, imageVersions: [1], highestGeneration: 0, heldCount: 5000)
        ).encoded()
    }
}
