import Dispatch
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct DirectLoopTests {
    private final class Total: Sendable {
        private let sum = Atomic<Int>(0)
        var value: Int { self.sum.load(ordering: .relaxed) }

        func add(_ number: Int, on loop: DirectLoop) {
            loop.preconditionInEventLoop()
            self.sum.add(number, ordering: .relaxed)
        }
    }

    @Test func runsTasksOfManyThreadsEachOnce() async throws {
        let loops = try DirectLoops(count: 2)
        let loop = loops.loops[1]
        let total = Total()
        await withTaskGroup(of: Void.self) { group in
            for number in 1...200 {
                group.addTask { loop.execute { total.add(number, on: loop) } }
            }
        }
        #expect(try await loop.submit { total.value }.get() == 200 * 201 / 2)
        #expect(!loop.inEventLoop)
        try await loops.shutdownGracefully()
    }

    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])
        var all: [Int] { self.numbers.withLock { $0 } }
        func add(_ number: Int) { self.numbers.withLock { $0.append(number) } }
    }

    @Test func firesTimersInTheOrderOfTheirTimesAndNotOnceCancelled() async throws {
        let loops = try DirectLoops(count: 1)
        let loop = loops.loops[0]
        let order = Order()
        let last = loop.scheduleTask(in: .milliseconds(30)) { order.add(3) }
        let cancelled = loop.scheduleTask(in: .milliseconds(20)) { order.add(2) }
        loop.scheduleTask(in: .milliseconds(10)) { order.add(1) }
        cancelled.cancel()
        try await last.futureResult.get()
        #expect(order.all == [1, 3])
        await #expect(throws: EventLoopError.self) { try await cancelled.futureResult.get() }
        try await loops.shutdownGracefully()
    }

    @Test func endsWithItsTasksRunAndItsTimersCancelled() async throws {
        let loops = try DirectLoops(count: 1)
        let loop = loops.loops[0]
        let order = Order()
        // Noted by the loop itself: a future of a loop that has ended tells nobody any more.
        loop.scheduleTask(in: .hours(1)) {}.futureResult.whenFailure { _ in order.add(2) }
        loop.execute { order.add(1) }
        try await loops.shutdownGracefully()
        #expect(order.all == [1, 2])
        loop.execute { order.add(3) }
        #expect(order.all == [1, 2])
    }

    /// Notes in which round it was told that there is something to read.
    private final class Told: DirectSource {
        private let loop: DirectLoop
        private let rounds: Rounds

        init(_ loop: DirectLoop, _ rounds: Rounds) {
            self.loop = loop
            self.rounds = rounds
        }

        func isReady(hasEnded: Bool) {
            let isFirst = self.rounds.note(self.loop.roundNanoseconds)
            if isFirst { self.loop.execute { [rounds] in rounds.noteTask() } }
        }
    }

    private final class Rounds: Sendable {
        private let state = Mutex<(rounds: [UInt64], countBeforeTask: Int?)>(([], nil))
        var all: [UInt64] { self.state.withLock { $0.rounds } }
        var countBeforeTask: Int? { self.state.withLock { $0.countBeforeTask } }

        func note(_ round: UInt64) -> Bool {
            self.state.withLock { state in
                state.rounds.append(round)
                return state.rounds.count == 1
            }
        }

        func noteTask() { self.state.withLock { $0.countBeforeTask = $0.rounds.count } }
    }

    /// However many sources are ready, their wait begins at one instant; tasks are run in between all the same.
    @Test func allThatIsReadyBelongsToOneRoundAndTasksDoNotWaitForItsEnd() async throws {
        let count = 600
        let tick = Atomic<UInt64>(0)
        let loop = try DirectLoop(name: "test", clock: { tick.add(1, ordering: .relaxed).newValue })
        let rounds = Rounds()
        let pairs = try (0..<count).map { _ in
            var pair: [CInt] = [-1, -1]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
            return pair
        }
        defer { for descriptor in pairs.joined() { close(descriptor) } }
        let watched = try await loop.submit {
            pairs.allSatisfy { loop.watch($0[0], Told(loop, rounds), isToldOnce: true) }
        }.get()
        #expect(watched)
        let (held, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        loop.execute {
            held.signal()
            gate.wait()
        }
        try await onThreadOfItsOwn {
            held.wait()
            for pair in pairs { try #require(send(pair[1], "x", 1, CInt(MSG_NOSIGNAL)) == 1) }
            gate.signal()
        }
        while rounds.all.count < count { try await loop.submit {}.get() }
        #expect(rounds.all.count == count)
        #expect(Set(rounds.all).count == 1)
        #expect(try #require(rounds.countBeforeTask) < count)
        try await loop.shutdownGracefully()
    }
}
