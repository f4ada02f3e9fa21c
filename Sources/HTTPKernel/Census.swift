import Synchronization

/// Counts a server's connections and running handlers: holds the former to the limit, and tells when all have gone.
///
/// A handler can outlive its connection: it is cancelled when the client leaves, and ends when it notices. Whoever closes what
/// handlers stand on waits for both.
final class Census: Sendable {
    private struct State: ~Copyable {
        var count = 0
        var handlerCount = 0
        var lastID: UInt64 = 0
        var hasGivenUp = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        var isEmpty: Bool { self.count == 0 && self.handlerCount == 0 }
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
            return state.isEmpty ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    func beginHandler() { self.state.withLock { $0.handlerCount += 1 } }

    func endHandler() {
        let waiters = self.state.withLock { state in
            state.handlerCount -= 1
            return state.isEmpty ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when no connection and no handler is left, or when `giveUp` was called in the meantime.
    func untilEmpty() async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                let hasGivenUp = state.hasGivenUp
                state.hasGivenUp = false
                if state.isEmpty || hasGivenUp { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    func giveUp() {
        let waiters = self.state.withLock { state in
            // A waiter that comes a moment later finds the flag instead.
            state.hasGivenUp = state.waiters.isEmpty
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
