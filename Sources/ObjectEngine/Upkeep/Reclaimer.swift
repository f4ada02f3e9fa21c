import RocksKit
import S3Types
import Synchronization
import Threads

/// Takes away, on a thread of its own, what nothing names any more.
///
/// Its journal is the `reclaim` family, written by the batches that ended the naming. An entry whose blob is leased stays
/// until the lease has ended; an entry is dropped only after its bytes are gone, so that a crash between the two repeats
/// work and loses none.
final class Reclaimer: Sendable {
    enum Request: Sendable {
        /// The journal may have something to do.
        case look
        /// It is time to drop events that are too old.
        case trim(Int64)
        /// The remains of a body that nobody committed.
        case discard(BlobRemains)
        /// Room on the disk is short: the space of the deleted is wanted now.
        case relieve
        /// Tells when everything asked for before has been done.
        case report(@Sendable () -> Void)
    }

    private let requests: BlockingQueue<Request>
    private let thread: WorkerThread
    private let ids: BlobIDs
    private let dead: DeadBytes

    init(
        requests: BlockingQueue<Request>, sink: BlobSink, ids: BlobIDs, leases: Leases, buckets: BucketTable,
        writer: CommitWriter, room: Room, configuration: EngineConfiguration
    ) {
        self.requests = requests
        self.ids = ids
        let dead = DeadBytes(sink: sink, room: room, allowanceBytes: configuration.deadBlobAllowanceBytes)
        self.dead = dead
        let work = ReclaimWork(sink: sink, ids: ids, leases: leases, writer: writer, dead: dead)
        let trimmer = FeedTrimmer(
            database: sink.database, buckets: buckets, retention: configuration.feedRetention)
        self.thread = WorkerThread(name: "engine-reclaim") {
            work.lookThroughJournal()
            // What could not be cleared away while the disk failed.
            var postponed: [BlobRemains] = []
            while let asked = requests.popAll() {
                var looks = false
                var relieves = false
                var reports: [@Sendable () -> Void] = []
                for request in asked {
                    switch request {
                    case .look: looks = true
                    case .relieve: relieves = true
                    case .trim(let milliseconds): trimmer.trim(at: milliseconds)
                    case .discard(let remains): if !work.discard(remains) { postponed.append(remains) }
                    case .report(let report): reports.append(report)
                    }
                }
                if looks || relieves || !reports.isEmpty {
                    postponed.removeAll { work.discard($0) }
                    work.lookThroughJournal()
                }
                if relieves { dead.relieve() }
                for report in reports { report() }
            }
        }
    }

    func discard(_ remains: BlobRemains) {
        guard !remains.ids.isEmpty else { return }
        // Refused when closed: the next opening sweeps what is left, since the ids stay open.
        requests.push(.discard(remains))
    }

    /// Suspends until all that can be taken away now has been.
    func settle() async {
        await withCheckedContinuation { continuation in
            if !requests.push(.report { continuation.resume() }) { continuation.resume() }
        }
    }

    func close() {
        requests.close()
        thread.join()
    }

    var deadBlobBytes: UInt64 { dead.bytes }
}
