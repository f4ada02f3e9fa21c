import Glibc
import Histogram
import Synchronization
import Threads

/// An open-loop load: requests are due at fixed times, whatever became of the ones before.
package enum LoadRun {
    /// Runs the whole plan on one thread a connection and returns when the last answer is in.
    ///
    /// - Parameter stop: asked before each request; true ends the load early.
    /// - Throws: ``LoadError`` when a connection cannot be made at the start. Later failures are counted, and the connection
    ///   is made anew.
    package static func run(_ plan: LoadPlan, stop: @escaping @Sendable () -> Bool = { false }) throws(LoadError)
        -> LoadReport
    {
        let address = try answering(plan.target)
        let total = Mutex(LoadReport())
        let begin = now() + 5_000_000
        let threads = (0..<plan.connectionCount).map { index in
            WorkerThread(name: "load-\(index)") {
                let report = Self.drive(plan, address, connection: index, begin: begin, stop: stop)
                total.withLock { $0.add(report) }
            }
        }
        for thread in threads { thread.join() }
        return total.withLock { $0 }
    }

    /// The first address that takes a connection on trial, so that a wrong one is an error and not a report of failures.
    private static func answering(_ target: LoadPlan.Target) throws(LoadError) -> LoadAddress {
        let addresses = try LoadAddress.all(of: target)
        for address in addresses.dropLast() {
            // The next one may do; why the last one does not is what is told.
            if (try? LoadConnection(address)) != nil { return address }
        }
        let last = addresses[addresses.count - 1]
        _ = try LoadConnection(last)
        return last
    }

    private static func drive(
        _ plan: LoadPlan, _ address: LoadAddress, connection index: Int, begin: UInt64, stop: @Sendable () -> Bool
    ) -> LoadReport {
        var report = LoadReport()
        let spacing = 1e9 / plan.ratePerSecond
        let measuredFrom = begin + nanoseconds(plan.warmUp)
        let end = measuredFrom + nanoseconds(plan.duration)
        var connection: LoadConnection? = nil
        var number = index
        while !stop() {
            let due = begin + UInt64(Double(number) * spacing)
            guard due < end else { break }
            number += plan.connectionCount
            sleep(until: due)
            do throws(LoadError) {
                if connection == nil { connection = try LoadConnection(address) }
                let response = try connection!.exchange(plan.request)
                let answered = now()
                if response.isLast { connection = nil }
                guard due >= measuredFrom else { continue }
                report.record(response, due: due, answered: answered, measuredFrom: measuredFrom)
            } catch {
                connection = nil
                guard due >= measuredFrom else { continue }
                report.failedCount += 1
                report.failures["\(error)", default: 0] += 1
            }
        }
        return report
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }

    private static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func sleep(until deadline: UInt64) {
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}

extension LoadReport {
    fileprivate mutating func record(
        _ response: ResponseReader.Response, due: UInt64, answered: UInt64, measuredFrom: UInt64
    ) {
        elapsedNanoseconds = answered - measuredFrom
        guard response.status == 200 else {
            failedCount += 1
            failures["status \(response.status)", default: 0] += 1
            return
        }
        answeredCount += 1
        _ = latencies.record(min(answered - due, latencies.highestTrackableValue))
        versions[response.modelVersion, default: 0] += 1
        let seen = answered - measuredFrom
        firstSeenNanoseconds[response.modelVersion] = min(firstSeenNanoseconds[response.modelVersion] ?? seen, seen)
    }
}
