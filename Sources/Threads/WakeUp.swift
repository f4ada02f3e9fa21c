import Dispatch

/// Lets one thread wait until another has something for it. Signals are counted: none that comes before the wait is lost.
package final class WakeUp: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func signal() { semaphore.signal() }

    package func wait() { semaphore.wait() }
}
