import NIOCore
import NIOEmbedded
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct GRPCConnectionTests {
    /// What the transport is told.
    private final class Goodbyes: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var count = 0

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { count += 1 }
        }
    }

    @Test func aConnectionWithoutCallsIsClosed() throws {
        let scene = try GRPCScene()
        defer { scene.finish() }
        let goodbyes = Goodbyes()
        try scene.socket.pipeline.syncOperations.addHandler(goodbyes)
        scene.pass(seconds: 70)
        let call = try scene.call()
        scene.pass(seconds: 20)
        try call.close()
        scene.pass(seconds: 74)
        #expect(goodbyes.count == 0)
        scene.pass(seconds: 1)
        #expect(goodbyes.count == 1 && scene.socket.isActive)
        // A call that has crossed the goodbye.
        let late = try scene.call()
        late.send(messageOf: 10, isLast: true)
        scene.pass(seconds: 30)
        #expect(scene.socket.isActive)
        try late.close()
        scene.pass(seconds: 4)
        #expect(scene.socket.isActive)
        scene.pass(seconds: 1)
        #expect(!scene.socket.isActive && goodbyes.count == 1)
    }

    @Test func aPeerThatIsGoneIsLetGo() throws {
        let scene = try GRPCScene()
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: 10, isLast: true)
        scene.pass(seconds: 100)
        // The latest sign of life came in the second before.
        scene.pass(seconds: 68, isHeard: false)
        #expect(scene.socket.isActive)
        scene.pass(seconds: 1, isHeard: false)
        #expect(!scene.socket.isActive)
    }

    @Test func aDrainDoesNotWaitForASilentPeer() throws {
        let scene = try GRPCScene()
        defer { scene.finish() }
        scene.socket.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        scene.pass(seconds: 4)
        #expect(scene.socket.isActive)
        scene.pass(seconds: 1)
        #expect(!scene.socket.isActive)
    }

    @Test func requestsAreNotReadWhileAnswersWaitForTheSocket() throws {
        let scene = try GRPCScene()
        defer { scene.finish() }
        let reads = Reads()
        try scene.socket.pipeline.syncOperations.addHandler(reads, position: .first)
        scene.socket.isWritable = false
        scene.socket.pipeline.fireChannelWritabilityChanged()
        scene.socket.pipeline.read()
        #expect(reads.count == 0)
        scene.socket.isWritable = true
        scene.socket.pipeline.fireChannelWritabilityChanged()
        #expect(reads.count == 1)
        scene.socket.isWritable = false
        scene.socket.pipeline.fireChannelWritabilityChanged()
        scene.pass(seconds: 59)
        #expect(scene.socket.isActive)
        scene.pass(seconds: 1)
        #expect(!scene.socket.isActive)
    }

    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var count = 0

        func read(context: ChannelHandlerContext) {
            count += 1
            context.read()
        }
    }

    @Test func oneConnectionTooManyIsClosed() throws {
        let scene = try GRPCScene { $0.connectionCount = 2 }
        defer { scene.finish() }
        let second = try scene.connect()
        let third = try scene.connect()
        #expect(scene.socket.isActive && second.isActive && !third.isActive)
        try second.close().wait()
        let fourth = try scene.connect()
        #expect(fourth.isActive)
    }
}
