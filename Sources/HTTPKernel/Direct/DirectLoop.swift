import CEpoll
package import Dispatch
import Glibc
package import NIOCore
import Synchronization
import Threads

/// What a direct loop watches: a connection or a listener.
protocol DirectSource: AnyObject {
    /// There is something to read. On the loop.
    ///
    /// - Parameter hasEnded: behind it the input ends, or the socket has failed.
    func isReady(hasEnded: Bool)
}

/// An event loop that waits by epoll(7) itself, for connections that need nothing of a channel.
///
/// To everything else it is an event loop like any other: it runs tasks and timers, and values can be bound to it. It owns one
/// thread, which ends with `shutdownGracefully`.
package final class DirectLoop: EventLoop, @unchecked Sendable {
    // Sendable: `queue` is locked and the descriptors are never reassigned; all other state is touched on the loop's thread only.

    private struct Queue {
        var tasks: [() -> Void] = []
        /// The thread has been told that there are tasks, and has not yet looked.
        var isWoken = false
        var isOver = false
    }

    private struct Timer {
        let deadline: NIODeadline
        let id: UInt64
        let fire: () -> Void
        let cancel: () -> Void
    }

    private let epoll: CInt
    private let wake: CInt
    /// Readable when the earliest timer is due. A time-out of each wait instead would cost a microsecond a request.
    private let alarm: CInt
    private let queue = Mutex(Queue())
    private let threadNumber = Atomic<UInt>(0)
    private let thread = Mutex<WorkerThread?>(nil)
    private let lastTimerID = Atomic<UInt64>(0)

    private let clock: @Sendable () -> UInt64

    // On the loop's thread.

    /// When the wait returned that reported what is being handled now; nanoseconds of `NIODeadline`'s clock. All that was ready
    /// then belongs to one round, so whatever a source has to wait for its turn lies behind this instant.
    private(set) var roundNanoseconds: UInt64 = 0

    /// By descriptor, which the kernel gives out from the smallest on.
    private var sources: [(any DirectSource)?] = []
    /// The earliest last.
    private var timers: [Timer] = []
    private var isStopping = false
    private var busyPoll: BusyPoll
    /// How many sources the last wait told of: with one, nobody else waits for a turn.
    private(set) var readySourceCount = 0

    /// Tasks are looked for after so many sources of a round: answers of workers do not wait for the end of a long one.
    private static let sourcesBetweenTasks = 64

    /// - Parameters:
    ///   - busyPoll: how it waits when it has just answered.
    ///   - clock: nanoseconds of `NIODeadline`'s clock; passed in for tests.
    init(
        name: String, busyPoll: BusyPoll = BusyPoll(.zero),
        clock: @escaping @Sendable () -> UInt64 = { NIODeadline.now().uptimeNanoseconds }
    ) throws(HTTPServerError) {
        self.busyPoll = busyPoll
        self.clock = clock
        self.epoll = cepoll_create()
        self.wake = cepoll_eventfd()
        self.alarm = cepoll_timer()
        // One after the other, so that errno is of what failed and not of a descriptor that there is not.
        guard self.epoll >= 0, self.wake >= 0, self.alarm >= 0, cepoll_add(self.epoll, self.wake, 0) == 0,
            cepoll_add(self.epoll, self.alarm, 0) == 0
        else {
            let error = SystemError(number: errno)
            for descriptor in [self.epoll, self.wake, self.alarm] where descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw .cannotListen(address: name, cause: error)
        }
        self.thread.withLock { $0 = WorkerThread(name: name) { [self] in self.run() } }
    }

    // MARK: Sources

    /// Watches a descriptor; on the loop. False when the kernel has no room for it.
    ///
    /// - Parameter isToldOnce: of what has come the source is told once, and then has to read all of it; otherwise it is told
    ///   again and again as long as there is something to read.
    func watch(_ descriptor: CInt, _ source: any DirectSource, isToldOnce: Bool) -> Bool {
        self.assertInEventLoop()
        guard cepoll_add(self.epoll, descriptor, isToldOnce ? 1 : 0) == 0 else { return false }
        while self.sources.count <= descriptor { self.sources.append(nil) }
        self.sources[Int(descriptor)] = source
        return true
    }

    /// Looks away from a descriptor, which stays open; on the loop.
    func unwatch(_ descriptor: CInt) {
        self.assertInEventLoop()
        guard descriptor < self.sources.count else { return }
        self.sources[Int(descriptor)] = nil
        _ = cepoll_remove(self.epoll, descriptor)
    }

    /// What is read from here on has come by now, and has waited for nothing before; on the loop.
    func beginRound() { self.roundNanoseconds = self.clock() }

    /// An answer has left; on the loop. Now a request may follow at once.
    func noteAnswered() { self.busyPoll.noteAnswered() }

    // MARK: The thread

    private func run() {
        self.threadNumber.store(UInt(pthread_self()), ordering: .relaxed)
        // As many as can be ready at once: a request that is not among them would begin to wait unseen.
        let capacity = Int(CEPOLL_LIMIT)
        let ready = UnsafeMutablePointer<cepoll_ready>.allocate(capacity: capacity)
        defer { unsafe ready.deallocate() }
        while !self.isStopping {
            let timeout: CInt = self.busyPoll.isLooking ? 0 : -1
            let count = unsafe cepoll_wait(self.epoll, ready, CInt(capacity), timeout)
            guard count > 0 else {
                if count == 0 { self.busyPoll.noteEmpty() }
                continue
            }
            self.beginRound()
            var isWoken = false
            var isDue = false
            for index in 0..<Int(count) {
                let descriptor = unsafe ready[index].descriptor
                if descriptor == self.wake { isWoken = true }
                if descriptor == self.alarm { isDue = true }
            }
            self.readySourceCount = Int(count) - (isWoken ? 1 : 0) - (isDue ? 1 : 0)
            for index in 0..<Int(count) {
                let descriptor = unsafe ready[index].descriptor
                if descriptor != self.wake, descriptor != self.alarm {
                    // A source of this round may have ended another, whose place is empty or belongs to a newer one; to that a
                    // needless call means an attempt to read and no harm.
                    let events = unsafe ready[index].events
                    self.sources[Int(descriptor)]?.isReady(hasEnded: events & CEPOLL_ENDED != 0)
                }
                if index % Self.sourcesBetweenTasks == Self.sourcesBetweenTasks - 1 { self.runTasks() }
            }
            if isWoken { self.runTasks() }
            if isDue { self.fireTimers() }
        }
        self.sources.removeAll()
        for timer in self.timers { timer.cancel() }
        self.timers.removeAll()
        self.runTasks()
        self.queue.withLock { $0.isOver = true }
        for descriptor in [self.epoll, self.wake, self.alarm] { _ = Glibc.close(descriptor) }
    }

    private func runTasks() {
        var count: UInt64 = 0
        // The count does not matter, and an empty counter says EAGAIN.
        _ = unsafe read(self.wake, &count, 8)
        let tasks = self.queue.withLock { queue in
            var tasks: [() -> Void] = []
            swap(&tasks, &queue.tasks)
            queue.isWoken = false
            return tasks
        }
        for task in tasks { task() }
    }

    private func fireTimers() {
        var count: UInt64 = 0
        _ = unsafe read(self.alarm, &count, 8)
        let now = NIODeadline.now()
        while let timer = self.timers.last, timer.deadline <= now {
            self.timers.removeLast()
            timer.fire()
        }
        self.setAlarm()
    }

    /// For the earliest timer. One that has been cancelled rings for nothing.
    private func setAlarm() {
        guard let next = self.timers.last else { return }
        _ = cepoll_timer_set(self.alarm, max(1, (next.deadline - .now()).nanoseconds))
    }

    // MARK: EventLoop

    package var inEventLoop: Bool {
        self.threadNumber.load(ordering: .relaxed) == UInt(pthread_self())
    }

    package func execute(_ task: @escaping @Sendable () -> Void) {
        self.queue.withLock { queue in
            // As with NIO's own loops, work for a loop that has ended is dropped.
            guard !queue.isOver else { return }
            queue.tasks.append(task)
            guard !queue.isWoken else { return }
            queue.isWoken = true
            // Within the lock, which the loop takes before it closes the descriptor.
            var one: UInt64 = 1
            _ = unsafe write(self.wake, &one, 8)
        }
    }

    @discardableResult
    package func scheduleTask<T>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        let promise = self.makePromise(of: T.self)
        let id = self.lastTimerID.add(1, ordering: .relaxed).newValue
        let timer = Timer(
            deadline: deadline, id: id,
            fire: {
                do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
            },
            cancel: { promise.fail(EventLoopError.cancelled) })
        let bound = UncheckedTimer(timer)
        self.onLoop { [self] in
            let position = self.timers.firstIndex { $0.deadline <= bound.timer.deadline } ?? self.timers.count
            self.timers.insert(bound.timer, at: position)
            if position == self.timers.count - 1 { self.setAlarm() }
        }
        return Scheduled(promise: promise) { [self] in
            self.onLoop { self.timers.removeAll { $0.id == id } }
        }
    }

    @discardableResult
    package func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        self.scheduleTask(deadline: .now() + delay, task)
    }

    private func onLoop(_ step: @escaping @Sendable () -> Void) {
        if self.inEventLoop { step() } else { self.execute(step) }
    }

    /// A timer on its way to the loop, on which alone it is used.
    private struct UncheckedTimer: @unchecked Sendable {
        // Sendable: made by one thread, then touched on the loop only.
        let timer: Timer

        init(_ timer: Timer) { self.timer = timer }
    }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        self.execute { [self] in self.isStopping = true }
        let thread = self.thread.withLock { $0.take() }
        queue.async {
            thread?.join()
            callback(nil)
        }
    }
}
