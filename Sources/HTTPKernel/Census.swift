import Synchronization

/// Counts a server's connections: holds them to the limit, and tells when the last has gone.
final class Census: Sendable {
    private struct State: ~Copyable {
        var count = 0
        var lastID: UInt64 = 0
        var hasGivenUp = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var count: Int { self.state.withLock { $0.count } }

    /// A number for the connection, or nil when there are too many.
    func enter() -> UInt64? {
        self.state.withLock { state in
            guard state.count < self.limit else { return nil }
            state.count += 1
            state.lastID += 1
            return state.lastID
        }
    }

    func leave() {
        let waiters = self.state.withLock { state in
            state.count -= 1
            return state.count == 0 ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when no connection is left, or when `giveUp` was called.
    func untilEmpty() async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                if state.count == 0 || state.hasGivenUp { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    func giveUp() {
        let waiters = self.state.withLock { state in
            state.hasGivenUp = true
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        var taken: [CheckedContinuation<Void, Never>] = []
        swap(&taken, &state.waiters)
        return taken
    }
}
