import Glibc
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct BusyPollTests {
    /// Each reading is so much later than the one before.
    private final class Clock: Sendable {
        private let count = Atomic<UInt64>(0)
        private let step: UInt64

        init(stepNanoseconds: UInt64) { self.step = stepNanoseconds }

        var readCount: UInt64 { self.count.load(ordering: .relaxed) }

        func read() -> UInt64 { self.count.add(1, ordering: .relaxed).newValue * self.step }

        func busyPoll(_ limit: Duration) -> BusyPoll { BusyPoll(limit) { self.read() } }
    }

    private static let repeating: @Sendable (GatheredRequest) -> Answer = { request in
        .now(Response(ResponseHead(.ok), body: ByteBuffer(string: "\(request.head.target)")))
    }

    private static let request = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"

    @Test func looksFromAnAnswerUntilTheTimeIsOver() {
        let clock = Clock(stepNanoseconds: 10_000)
        var poll = clock.busyPoll(.microseconds(30))
        #expect(!poll.isLooking)
        poll.noteEmpty()
        for _ in 0..<2 {
            poll.noteAnswered()
            for _ in 0..<4 {
                #expect(poll.isLooking)
                poll.noteEmpty()
            }
            #expect(!poll.isLooking)
        }
        var off = clock.busyPoll(.zero)
        off.noteAnswered()
        #expect(!off.isLooking)
    }

    /// Each look in vain reads the clock, and a wait asleep does not: so the count of readings bounds what an idle loop uses.
    @Test func anIdleLoopSleeps() throws {
        let clock = Clock(stepNanoseconds: 10_000)
        let harness = try DirectHarness(busyPoll: clock.busyPoll(.microseconds(100)), answering: Self.repeating)
        try harness.passSecond()
        try harness.settle()
        #expect(clock.readCount == 0, "nothing has been answered")
        for round in 1...3 as ClosedRange<UInt64> {
            try harness.send(Self.request)
            #expect(bodies(harness.received()) == ["/a"])
            while clock.readCount < 11 * round { sched_yield() }
            for _ in 0..<50 { try harness.passSecond() }
            #expect(clock.readCount == 11 * round)
        }
    }

    /// A clock that stands still: the loop looks and looks, and does all else in the meantime.
    private static func looking(
        answering: @escaping @Sendable (GatheredRequest) -> Answer = Self.repeating
    ) throws -> DirectHarness {
        let clock = Clock(stepNanoseconds: 0)
        let harness = try DirectHarness(busyPoll: clock.busyPoll(.microseconds(100)), answering: answering)
        try harness.send(Self.request)
        #expect(bodies(harness.received()) == ["/a"])
        let before = clock.readCount
        while clock.readCount < before + 100 { sched_yield() }
        return harness
    }

    @Test func aLoopThatLooksRunsTasksAndTimersAndAnswers() async throws {
        let harness = try Self.looking()
        try await harness.loop.scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
        for _ in 0..<10 {
            try harness.send(Self.request + Self.request)
            #expect(bodies(harness.received()) == ["/a", "/a"])
        }
        #expect(harness.isServed)
    }

    @Test func aLoopThatLooksHandsOverAndEndsConnections() throws {
        let handing = try Self.looking()
        try handing.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(handing.inheritances.map { String(buffer: $0.unread).hasPrefix("HEAD ") } == [true])
        let begun = try Self.looking()
        try begun.send("GET / HT")
        for _ in 0..<2 { try begun.passSecond() }
        #expect(begun.inheritances.map { String(buffer: $0.unread) } == ["GET / HT"])
        let idle = try Self.looking()
        for _ in 0..<80 { try idle.passSecond() }
        #expect(idle.census.count == 0)
        let drained = try Self.looking()
        try drained.beginDraining()
        #expect(drained.census.count == 0)
        let left = try Self.looking()
        shutdown(left.client, CInt(SHUT_WR))
        while left.census.count > 0 { sched_yield() }
    }

    @Test func aLoopThatLooksEnds() async throws {
        let harness = try Self.looking()
        try await harness.loop.shutdownGracefully()
    }
}
