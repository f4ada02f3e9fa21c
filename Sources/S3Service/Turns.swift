import NIOCore
import Synchronization

/// Lets few at a time do what takes long, in the order in which they ask.
///
/// Hundreds who read a large document, or catch up with the feed, would otherwise have all threads of the engine, and everybody
/// else's requests would wait behind theirs. Who waits for a turn here holds no thread.
final class Turns: Sendable {
    private struct State {
        var freeCount: Int
        var waiting = CircularBuffer<CheckedContinuation<Void, Never>>()
    }

    private let state: Mutex<State>

    init(count: Int) {
        precondition(count > 0, "somebody has a turn")
        self.state = Mutex(State(freeCount: count))
    }

    /// How many wait for a turn.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Suspends until it is one's turn, and has it for the length of the call.
    func withTurn<Result, Failure: Error>(_ body: () throws(Failure) -> Result) async throws(Failure) -> Result {
        await take()
        defer { pass() }
        return try body()
    }

    /// Waits for a turn.
    func take() async {
        await withCheckedContinuation { continuation in
            let isNext = state.withLock { state in
                guard state.freeCount > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.freeCount -= 1
                return true
            }
            if isNext { continuation.resume() }
        }
    }

    /// Hands the turn to whoever has waited longest.
    func pass() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.freeCount += 1 }
            return next
        }
        next?.resume()
    }
}
