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
        var lastTurn: UInt64 = 0
        var givenUpTurn: UInt64 = 0
        var waiters: [CheckedContinuation<Bool, Never>] = []

        var isEmpty: Bool { self.count == 0 && self.handlerCount == 0 }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var count: Int { self.state.withLock { $0.count } }

    /// A number for the connection, or nil when there are too many.
    ///
    /// - Parameter isReplacing: it comes in the place of one that is about to leave.
    func enter(replacing isReplacing: Bool = false) -> UInt64? {
        self.state.withLock { state in
            guard state.count < self.limit || isReplacing else { return nil }
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
        for waiter in waiters { waiter.resume(returning: true) }
    }

    func beginHandler() { self.state.withLock { $0.handlerCount += 1 } }

    func endHandler() {
        let waiters = self.state.withLock { state in
            state.handlerCount -= 1
            return state.isEmpty ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// A number for one wait, by which it can be given up, before it begins and after, and by which no other is.
    func nextTurn() -> UInt64 {
        self.state.withLock { state in
            state.lastTurn += 1
            return state.lastTurn
        }
    }

    /// Returns when no connection and no handler is left, or when the turn is given up. One waits at a time.
    ///
    /// - Returns: false when it was given up.
    @discardableResult
    func untilEmpty(_ turn: UInt64) async -> Bool {
        await withCheckedContinuation { continuation in
            let isEmpty: Bool? = self.state.withLock { state in
                if state.givenUpTurn >= turn { return false }
                if state.isEmpty { return true }
                state.waiters.append(continuation)
                return nil
            }
            if let isEmpty { continuation.resume(returning: isEmpty) }
        }
    }

    func giveUp(_ turn: UInt64) {
        let waiters = self.state.withLock { state in
            // The wait is over, and another may have begun.
            guard turn == state.lastTurn else { return [] as [CheckedContinuation<Bool, Never>] }
            state.givenUpTurn = turn
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume(returning: false) }
    }

    private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Bool, Never>] {
        var taken: [CheckedContinuation<Bool, Never>] = []
        swap(&taken, &state.waiters)
        return taken
    }
}
