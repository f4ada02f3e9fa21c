import Dispatch

/// Lets one thread wait until another has something for it. Signals are counted: none that comes before the wait is lost.
package final class WakeUp: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func signal() { semaphore.signal() }

    package func wait() { semaphore.wait() }

    /// Waits for a signal, but no longer than this.
    package func wait(milliseconds: Int) { _ = semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) }
}
