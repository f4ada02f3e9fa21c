/// How many requests a loop has taken on beyond those that it answers at once, and the bytes of their bodies. Plain numbers of
/// one loop; each has its share of what the process allows.
struct Admission {
    private(set) var count = 0
    private(set) var bytes = 0
    private let limitCount: Int
    private let limitBytes: Int

    init(_ limits: InferenceLimits, loopCount: Int) {
        limitCount = max(1, limits.concurrentCount / loopCount)
        // Each loop must be able to take the largest request there may be.
        limitBytes = max(limits.bodyBytes, limits.pendingBytes / loopCount)
    }

    /// Takes a request on if there is room for it.
    mutating func admit(bytes new: Int) -> Bool {
        guard count < limitCount, new <= limitBytes - bytes else { return false }
        count += 1
        bytes += new
        return true
    }

    mutating func finish(bytes old: Int) {
        count = max(0, count - 1)
        bytes = max(0, bytes - old)
    }
}
