import NIOCore

/// The connections of one loop on which nobody has signed, in the order in which they came.
///
/// Ends and signatures are not looked up: a number that is of no stranger any more is dropped when its turn comes. Lives on
/// its loop.
struct StrangerQueue {
    private var order = CircularBuffer<UInt64>()
    private(set) var count = 0

    /// How many connections are looked at to find one that may be cut; more would hold up the loop at each connection that comes.
    static let lookCount = 64

    mutating func enter(_ id: UInt64) {
        self.order.append(id)
        self.count += 1
    }

    /// One has ended or has signed.
    ///
    /// - Parameter isStranger: whether a number is still of one; asked when there are many that are not.
    mutating func leave(_ isStranger: (UInt64) -> Bool) {
        self.count -= 1
        guard self.order.count > 2 * self.count + Self.lookCount else { return }
        self.order.removeAll { !isStranger($0) }
    }

    /// What may become of a connection whose turn it is.
    enum Verdict {
        /// It is gone or has signed.
        case drop
        /// Its request is being worked on.
        case spare
        /// It waits for its client.
        case take
    }

    /// The number of the oldest stranger that may be cut; nil when there is none among those looked at.
    mutating func takeOldest(_ verdict: (UInt64) -> Verdict) -> UInt64? {
        for _ in 0..<min(Self.lookCount, self.order.count) {
            guard let id = self.order.popFirst() else { return nil }
            switch verdict(id) {
            case .drop: break
            case .spare: self.order.append(id)
            case .take: return id
            }
        }
        return nil
    }
}
