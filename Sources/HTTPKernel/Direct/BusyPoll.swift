import NIOCore

/// How a loop waits that has just answered: for a while it looks for the next request without sleeping, since to wake a core that
/// sleeps takes longer than to answer. Then it sleeps, and uses nothing until something comes (Docs/Decisions/0081).
struct BusyPoll {
    private enum State {
        case asleep
        /// An answer has left since anything was looked for.
        case answered
        case looking(untilNanoseconds: UInt64)
    }

    private let limitNanoseconds: UInt64
    private let clock: @Sendable () -> UInt64
    private var state = State.asleep

    /// - Parameters:
    ///   - limit: how long it looks in vain; with zero it never looks without sleeping.
    ///   - clock: nanoseconds that never go back; passed in for tests. Read once for each look in vain.
    init(_ limit: Duration, clock: @escaping @Sendable () -> UInt64 = { NIODeadline.now().uptimeNanoseconds }) {
        self.limitNanoseconds = UInt64(max(0, limit / .nanoseconds(1)))
        self.clock = clock
    }

    var isLooking: Bool { if case .asleep = self.state { false } else { true } }

    mutating func noteAnswered() {
        if self.limitNanoseconds > 0 { self.state = .answered }
    }

    /// There was nothing.
    mutating func noteEmpty() {
        switch self.state {
        case .asleep: break
        case .answered: self.state = .looking(untilNanoseconds: self.clock() &+ self.limitNanoseconds)
        case .looking(let end): if self.clock() >= end { self.state = .asleep }
        }
    }
}
