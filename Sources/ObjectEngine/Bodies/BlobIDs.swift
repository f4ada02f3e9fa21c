import Synchronization

/// Gives out blob ids and knows which of them still await their commit.
///
/// Everything below ``floor`` is either named by a record or has left no bytes, so that after a crash only what lies
/// above it has to be looked through for orphans.
final class BlobIDs: Sendable {
    private struct State {
        var next: UInt64
        /// The id of `open.first`.
        var base: UInt64
        /// From `base` on, whether each id still awaits its commit.
        var open: [Bool] = []
    }

    private let state: Mutex<State>

    init(next: UInt64) {
        self.state = Mutex(State(next: next, base: next))
    }

    func take() -> BlobID {
        state.withLock { state in
            defer { state.next += 1 }
            state.open.append(true)
            return BlobID(state.next)
        }
    }

    /// Says that an id has been committed, or that its bytes are gone.
    func settle(_ ids: some Sequence<BlobID>) {
        state.withLock { state in
            for id in ids where id.value >= state.base {
                state.open[Int(id.value - state.base)] = false
            }
            let settled = state.open.prefix { !$0 }.count
            // In strides, since removal moves what stays.
            if settled == state.open.count || settled > 1024 {
                state.open.removeFirst(settled)
                state.base += UInt64(settled)
            }
        }
    }

    /// The lowest id that awaits its commit and the lowest that has not been given out.
    var bounds: (floor: UInt64, next: UInt64) {
        state.withLock { state in
            let settled = state.open.prefix { !$0 }.count
            return (state.base + UInt64(settled), state.next)
        }
    }
}
