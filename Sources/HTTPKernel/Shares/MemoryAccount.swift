import Synchronization

/// What all connections of a process hold in memory beside what each holds for being there.
///
/// One number that everyone adds to and takes from, with a bound for each purpose. The less a purpose needs its memory, the
/// earlier it is refused, so that those that make transfers fast never take the last bytes from those that make them possible.
/// Strangers have an account of their own: whatever they do, nothing is left less for those who sign.
package final class MemoryAccount: Sendable {
    /// What memory is asked for.
    package enum Purpose: CaseIterable, Sendable {
        /// A head, or the beginning of a body, of a client that has not signed.
        case stranger
        /// To read far ahead, or to write through a table: a quarter of the account.
        case speed
        /// To read on while the client takes what it has: three eighths.
        case ease
        /// What the request cannot be answered without: all of it.
        case need
    }

    package let limitBytes: Int
    private let strangerLimitBytes: Int
    private let used = Atomic<Int>(0)
    private let usedByStrangers = Atomic<Int>(0)
    private let peak = Atomic<Int>(0)

    /// - Parameter limitBytes: of all purposes together; an eighth of it is the strangers'.
    package init(limitBytes: Int) {
        precondition(limitBytes > 0, "an account has something in it")
        self.strangerLimitBytes = limitBytes / 8
        self.limitBytes = limitBytes - limitBytes / 8
    }

    /// Takes so many bytes. False when there is no room for this purpose; nothing is taken then.
    package func charge(_ bytes: Int, for purpose: Purpose) -> Bool {
        let taken = self.add(bytes, for: purpose)
        guard taken <= self.limit(of: purpose) else {
            self.release(bytes, for: purpose)
            return false
        }
        // Two that pass here at once may leave the smaller: the peak is for upkeep, which looks again.
        if taken > self.peak.load(ordering: .relaxed) { self.peak.store(taken, ordering: .relaxed) }
        return true
    }

    /// Gives so many bytes back, that were taken for this purpose.
    package func release(_ bytes: Int, for purpose: Purpose) {
        _ = self.add(-bytes, for: purpose)
    }

    private func add(_ bytes: Int, for purpose: Purpose) -> Int {
        switch purpose {
        case .stranger: self.usedByStrangers.add(bytes, ordering: .relaxed).newValue
        case .speed, .ease, .need: self.used.add(bytes, ordering: .relaxed).newValue
        }
    }

    private func limit(of purpose: Purpose) -> Int {
        switch purpose {
        case .stranger: self.strangerLimitBytes
        case .speed: self.limitBytes / 4
        case .ease: self.limitBytes / 8 * 3
        case .need: self.limitBytes
        }
    }

    /// What is taken now, strangers included.
    package var usedBytes: Int {
        self.used.load(ordering: .relaxed) + self.usedByStrangers.load(ordering: .relaxed)
    }

    /// Whether nine tenths are taken: whoever is slow has less time then.
    package var isTight: Bool { self.used.load(ordering: .relaxed) > self.limitBytes / 10 * 9 }

    /// The most that was taken at once since it was last asked.
    package func takePeak() -> Int {
        max(self.peak.exchange(0, ordering: .relaxed), self.usedBytes)
    }
}
