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
        giveBack(bytes: old)
    }

    // MARK: Bytes that are no large request

    /// Takes bytes into the account if there is room for them.
    mutating func hold(bytes new: Int) -> Bool {
        guard new <= limitBytes - bytes else { return false }
        bytes += new
        return true
    }

    /// Takes bytes into the account that are there already.
    mutating func owe(bytes new: Int) { bytes += new }

    mutating func giveBack(bytes old: Int) { bytes = max(0, bytes - old) }

    /// Whether more is held than there was room for.
    var isOverdrawn: Bool { bytes > limitBytes }
}
