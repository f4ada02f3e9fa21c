import Synchronization
import Threads

/// Runs the body once for each index, on this thread and others, and returns when all have run.
///
/// - Parameters:
///   - threadCount: how many threads take part, this one included.
///   - count: the body runs for 0..<count, in no order.
func inParallel(threadCount: Int, count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let next = Counter()
    let take: @Sendable () -> Void = {
        while true {
            let index = next.next()
            guard index < count else { return }
            body(index)
        }
    }
    let others = (1..<max(1, min(threadCount, count))).map { _ in WorkerThread(name: "model-cache") { take() } }
    take()
    for thread in others { thread.join() }
}

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
