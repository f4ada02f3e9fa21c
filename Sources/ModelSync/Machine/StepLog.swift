import Telemetry

/// The time, passed in so that tests need not wait for it.
package struct SyncClock: Sendable {
    /// Monotonic.
    package let elapsed: @Sendable () -> Duration
    /// RFC 3339 in UTC.
    package let wallTime: @Sendable () -> String

    package init(elapsed: @escaping @Sendable () -> Duration, wallTime: @escaping @Sendable () -> String) {
        self.elapsed = elapsed
        self.wallTime = wallTime
    }

    /// The clocks of the machine.
    package static func system() -> SyncClock {
        let start = ContinuousClock.now
        return SyncClock(elapsed: { ContinuousClock.now - start }, wallTime: { timestamp() })
    }
}

/// The steps of a model's newest version, from when it was noticed.
struct StepLog {
    private let clock: SyncClock
    private(set) var records: [StepRecord] = []
    private var last: Duration

    init(clock: SyncClock) {
        self.clock = clock
        self.last = clock.elapsed()
    }

    var now: String { clock.wallTime() }
    var newest: SyncStep? { records.last?.step }

    /// Forgets the version before.
    mutating func restart(_ step: SyncStep) {
        records.removeAll(keepingCapacity: true)
        last = clock.elapsed()
        add(step, bytes: nil)
    }

    mutating func add(_ step: SyncStep, bytes: UInt64?) {
        let elapsed = clock.elapsed()
        records.append(StepRecord(step: step, at: clock.wallTime(), duration: elapsed - last, bytes: bytes))
        last = elapsed
        // A version passes through a dozen steps; what comes after, again and again, is the life of its executors.
        if records.count > 32 { records.removeFirst() }
    }
}
