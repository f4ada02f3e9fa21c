import Foundation
import Synchronization
import Testing
import Threads

@Suite(.timeLimit(.minutes(3))) struct WorkerThreadTests {
    @Test func joinWaitsForTheBody() {
        let finished = Mutex(0)
        let threads = (0..<8).map { number in
            WorkerThread(name: "worker-\(number)") {
                Thread.sleep(forTimeInterval: 0.001)
                finished.withLock { $0 += 1 }
            }
        }
        for thread in threads { thread.join() }
        #expect(finished.withLock { $0 } == 8)
        threads[0].join()
    }

    @Test func theThreadCarriesItsName() {
        let seen = Mutex("")
        WorkerThread(name: "lode-commit-writer-of-the-store") {
            let text = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
            seen.withLock { $0 = text }
        }.join()
        #expect(seen.withLock { $0 } == "lode-commit-wri\n")
    }
}
