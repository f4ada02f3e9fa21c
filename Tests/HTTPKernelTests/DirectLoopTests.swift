import NIOCore
import Synchronization
import Testing

@testable import HTTPKernel

@Suite struct DirectLoopTests {
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
}
