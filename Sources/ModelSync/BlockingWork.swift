import Synchronization
import Threads

/// Runs work that blocks or burns CPU on a thread of its own, never on the shared pool.
func onThread<Answer: Sendable>(name: String, _ work: @escaping @Sendable () -> Answer) async -> Answer {
    let thread = ThreadBox()
    let answer = await withCheckedContinuation { continuation in
        thread.start(name: name) { continuation.resume(returning: work()) }
    }
    // The thread has nothing left to do but to end.
    thread.join()
    return answer
}

/// Keeps a thread between the closure that starts it and the function that joins it.
private final class ThreadBox: Sendable {
    private let thread = Mutex<WorkerThread?>(nil)

    func start(name: String, _ body: @escaping @Sendable () -> Void) {
        thread.withLock { $0 = WorkerThread(name: name, body) }
    }

    func join() { thread.withLock { $0.take() }?.join() }
}
