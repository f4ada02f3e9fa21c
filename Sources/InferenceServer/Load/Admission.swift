import Synchronization

/// What the process has taken on beyond that which its loops answer at once: bodies that have been received, and requests that
/// wait for a worker or are with one. One account for all loops, so that what the operator allows is what there is; only large
/// requests touch it.
final class Admission: Sendable {
    private let requests = Atomic(0)
    private let pending = Atomic(0)
    private let limitCount: Int
    private let limitBytes: Int

    init(_ limits: InferenceLimits) {
        limitCount = max(1, limits.concurrentCount)
        // The largest request there may be must find room when nothing else is there.
        limitBytes = max(limits.bodyBytes, limits.pendingBytes)
    }

    /// Requests that wait for a worker or are with one.
    var count: Int { requests.load(ordering: .relaxed) }
    /// Of bodies, whether they are whole or still coming.
    var bytes: Int { pending.load(ordering: .relaxed) }

    /// Whether so many bytes would find room now.
    func hasRoom(bytes new: Int) -> Bool { new <= limitBytes - bytes }

    /// Takes bytes of a body on if there is room for them.
    func reserve(bytes new: Int) -> Bool { Self.add(new, to: pending, limit: limitBytes) }

    /// Takes bytes on that are there already, whether or not there is room.
    func owe(bytes new: Int) { pending.add(new, ordering: .relaxed) }

    /// Whether more is held than there was room for.
    var isOverdrawn: Bool { bytes > limitBytes }

    func release(bytes old: Int) { pending.subtract(old, ordering: .relaxed) }

    /// Takes a request on that is about to be queued, and bytes of its body that were not taken on before.
    func admit(bytes new: Int) -> Bool {
        guard Self.add(1, to: requests, limit: limitCount) else { return false }
        guard reserve(bytes: new) else {
            requests.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Ends a request that was admitted.
    ///
    /// - Parameter old: all that was taken on of its body.
    func finish(bytes old: Int) {
        requests.subtract(1, ordering: .relaxed)
        release(bytes: old)
    }

    private static func add(_ new: Int, to account: borrowing Atomic<Int>, limit: Int) -> Bool {
        var old = account.load(ordering: .relaxed)
        while new <= limit - old {
            let (isExchanged, current) = account.weakCompareExchange(
                expected: old, desired: old + new, ordering: .relaxed)
            if isExchanged { return true }
            old = current
        }
        return false
    }
}
