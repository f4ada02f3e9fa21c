import ObjectEngine
import Telemetry

/// The engine's numbers as a page for Prometheus. Counts and sizes only: no name of a bucket, a key or a user.
enum StoreMetrics {
    static func text(_ statistics: EngineStatistics, _ health: EngineHealth, _ usage: ProcessUsage) -> String {
        var page = PrometheusText()
        page.begin(MetricName.storeWaitingJobs, .gauge, "Requests that wait for a thread of the engine.")
        page.add(UInt64(statistics.waitingJobCount))
        page.begin(MetricName.storeWaitingChanges, .gauge, "Changes that wait for the writer.")
        page.add(UInt64(statistics.waitingChangeCount))
        page.begin(MetricName.storeCommits, .counter, "Synced batches.")
        page.add(statistics.groupCount)
        page.begin(MetricName.storeChanges, .counter, "Changes decided in them.")
        page.add(statistics.changeCount)
        page.begin(MetricName.storeLeases, .gauge, "Bodies that are being read.")
        page.add(UInt64(statistics.leasedBlobCount))
        page.begin(MetricName.storeBytes, .gauge, "Bytes of table and blob files.")
        page.add(statistics.storedBytes)
        page.begin(
            MetricName.storeDeadBytes, .gauge, "Bytes of deleted bodies of middle size whose space has not come back.")
        page.add(statistics.deadBlobBytes)
        page.begin(MetricName.storeBackgroundErrors, .counter, "Errors that RocksDB reported from the background.")
        page.add(statistics.backgroundErrorCount)
        page.begin(
            MetricName.storeTakesWrites, .gauge, "1 while writes are taken; 0 while the disk is full or has failed.")
        page.add(health == .well ? 1 as UInt64 : 0)
        page.begin(MetricName.cpuSeconds, .counter, "Processor time of all threads.")
        page.add(usage.cpuSeconds)
        page.begin(MetricName.residentBytes, .gauge, "Resident memory.")
        page.add(usage.residentBytes)
        return page.text
    }
}
