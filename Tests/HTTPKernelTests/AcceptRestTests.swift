import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct AcceptRestTests {
    /// A listening channel's head, a count of its lines in the log and one of the errors that it passed on.
    private final class Scene {
        let channel = EmbeddedChannel()
        let lines = LineCount()
        let passed = ErrorCount()

        init() throws {
            let lines = lines
            let logger = Logger(label: "test") { _ in lines }
            try channel.pipeline.syncOperations.addHandlers(AcceptRest(logger: logger), passed)
        }

        func fail(_ number: CInt) { channel.pipeline.fireErrorCaught(IOError(errnoCode: number, reason: "accept")) }

        var isAccepting: Bool {
            let set = channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }
            return set?.value as? Bool ?? true
        }
    }

    private final class LineCount: LogHandler {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        subscript(metadataKey _: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        func log(event: LogEvent) { state.withLock { $0 += 1 } }
    }

    private final class ErrorCount: ChannelInboundHandler {
        typealias InboundIn = any Channel
        var count = 0
        func errorCaught(context: ChannelHandlerContext, error: any Error) { count += 1 }
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
    func aShortageHasItLookAwayForASecond(number: CInt) throws {
        let scene = try Scene()
        for _ in 0..<3 { scene.fail(number) }
        #expect(!scene.isAccepting)
        scene.channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(!scene.isAccepting)
        scene.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(scene.isAccepting)
        #expect(scene.passed.count == 0)
    }

    @Test func aShortageIsLoggedOnceAMinute() throws {
        let scene = try Scene()
        for _ in 0..<59 {
            scene.fail(EMFILE)
            scene.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(scene.lines.count == 1)
        scene.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        scene.fail(EMFILE)
        #expect(scene.lines.count == 2)
    }

    @Test func otherErrorsPass() throws {
        let scene = try Scene()
        scene.fail(EBADF)
        #expect(scene.isAccepting)
        #expect(scene.passed.count == 1 && scene.lines.count == 0)
    }
}
