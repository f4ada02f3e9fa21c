import Synchronization

/// How far the history reaches that is on the disk, and who waits for more of it.
final class FeedBoard: Sendable {
    private struct State {
        var published: UInt64
        /// Since the engine was opened.
        var lastEvents: [BucketID: UInt64] = [:]
        var waiters: [BucketID: [UInt64: CheckedContinuation<Bool, Never>]] = [:]
        var nextWaiter: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var isClosed = false
    }

    let epoch: UInt64
    private let state: Mutex<State>

    init(epoch: UInt64, published: UInt64) {
        self.epoch = epoch
        self.state = Mutex(State(published: published))
    }

    /// The last sequence on the disk.
    var published: UInt64 { state.withLock { $0.published } }

    func publish(_ sequence: UInt64, events: [BucketID: UInt64]) {
        let woken = state.withLock { state in
            state.published = sequence
            var woken: [CheckedContinuation<Bool, Never>] = []
            for (bucket, last) in events {
                state.lastEvents[bucket] = last
                if let waiters = state.waiters.removeValue(forKey: bucket) { woken += waiters.values }
            }
            return woken
        }
        for waiter in woken { waiter.resume(returning: true) }
    }

    /// Suspends until there may be an event behind a sequence, the bucket is gone, or the board is closed.
    ///
    /// - Returns: false when the task was cancelled.
    func wait(for bucket: BucketID, after sequence: UInt64) async -> Bool {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        defer { state.withLock { _ = $0.cancelled.remove(number) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.cancelled.remove(number) != nil { return false }
                    if state.isClosed || state.lastEvents[bucket] ?? 0 > sequence { return true }
                    state.waiters[bucket, default: [:]][number] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Bool, Never>? = state.withLock { state in
                if let waiter = state.waiters[bucket]?.removeValue(forKey: number) { return waiter }
                // Not waiting yet, or no longer: the first is told on arrival, the second leaves by the `defer` above.
                state.cancelled.insert(number)
                return nil
            }
            waiter?.resume(returning: false)
        }
    }

    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values.flatMap(\.values)
        }
        for waiter in woken { waiter.resume(returning: true) }
    }
}
