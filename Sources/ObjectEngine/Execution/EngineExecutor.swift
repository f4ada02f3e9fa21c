import Threads

/// The engine's own threads, on which requests run and may block.
///
/// `Task(executorPreference: engine.executor) { … }` runs a request here. The threads end once the executor and all work
/// handed to it are gone.
package final class EngineExecutor: TaskExecutor {
    private let jobs = BlockingQueue<UnownedJob>()
    private let threads: [WorkerThread]

    init(threadCount: Int) {
        precondition(threadCount > 0, "an executor has a thread")
        let jobs = self.jobs
        let identity = ExecutorIdentity()
        self.threads = (0..<threadCount).map { number in
            WorkerThread(name: "engine-\(number)") {
                while let job = jobs.pop() {
                    unsafe job.runSynchronously(on: identity.executor)
                }
            }
        }
        unsafe identity.executor = asUnownedTaskExecutor()
    }

    deinit { jobs.close() }

    package func enqueue(_ job: consuming ExecutorJob) {
        jobs.push(UnownedJob(job))
    }

    /// How many jobs wait for a thread.
    var waitingCount: Int { jobs.count }
}

/// What the threads run jobs on behalf of; they must not keep the executor alive.
@safe private final class ExecutorIdentity: Sendable {
    // Sendable: set once before the first job can be enqueued, which happens through the executor's own lock.
    nonisolated(unsafe) var executor: UnownedTaskExecutor!
}
