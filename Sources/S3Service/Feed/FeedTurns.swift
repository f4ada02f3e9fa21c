import NIOCore
import Synchronization

/// Lets few followers at a time read events and write lines of them, in the order in which they ask.
///
/// Hundreds that catch up would otherwise have all threads of the engine, one batch after another, and everybody else's
/// requests would wait behind theirs. A turn is never held while something is waited for, so that each comes soon.
final class FeedTurns: Sendable {
    private struct State: ~Copyable {
        var freeCount: Int
        var waiters = CircularBuffer<CheckedContinuation<Void, Never>>()
    }

    private let state: Mutex<State>

    init(count: Int) {
        precondition(count > 0, "somebody has a turn")
        self.state = Mutex(State(freeCount: count))
    }

    /// Suspends until it is one's turn, and holds it for the length of the call.
    func withTurn<Result, Failure: Error>(_ body: () throws(Failure) -> Result) async throws(Failure) -> Result {
        await take()
        defer { give() }
        return try body()
    }

    private func take() async {
        await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                guard state.freeCount == 0 else {
                    state.freeCount -= 1
                    return true
                }
                state.waiters.append(continuation)
                return false
            }
            if isTaken { continuation.resume() }
        }
    }

    /// Hands the turn on.
    private func give() {
        let next = state.withLock { state in
            if let next = state.waiters.popFirst() { return Optional(next) }
            state.freeCount += 1
            return nil
        }
        next?.resume()
    }
}
