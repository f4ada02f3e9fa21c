import Dispatch

/// Wakes a thread that waits, once and for all. It takes no descriptor: a link begins also when there is none left.
final class StopSignal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func signal() { semaphore.signal() }

    /// Waits, but not longer than a time.
    ///
    /// - Returns: whether the signal has come.
    func wait(atMost time: Duration) -> Bool {
        let parts = time.components
        let nanoseconds = Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
        guard semaphore.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success else { return false }
        // It stays signalled.
        semaphore.signal()
        return true
    }
}
