import RocksKit
import Synchronization
import Threads

/// The one thread that changes records.
///
/// It takes every change that waits, decides each in order against the database and what those before it have put into
/// the batch, writes the batch with one sync, and then tells all of them. While it waits for the disk the next group
/// gathers, so that the price of a sync is shared by as many as there are.
final class CommitWriter: Sendable {
    /// A group ends at this many bytes; what is left goes into the next.
    private static let groupLimitBytes = 8 << 20

    private let queue = BlockingQueue<any Ticket>()
    private let thread: WorkerThread
    private let counters: Counters

    struct Counts: Sendable {
        var groupCount: UInt64 = 0
        var changeCount: UInt64 = 0
    }

    private final class Counters: Sendable {
        let counts = Mutex(Counts())
    }

    /// - Parameters:
    ///   - sequence: the last one that was given out.
    ///   - bound: told of each group before it is written, and once it is on the disk.
    ///   - room: told of the bytes of each batch.
    ///   - inspect: looks at the closed directory before it is opened anew, given the sequence that was acknowledged last.
    ///   - reread: what the database holds after it was opened anew.
    ///   - failed: told true when a write or an opening anew failed, and false when one succeeded.
    ///   - publish: told of each group on the disk, before those who wait for it are.
    init(
        database: Database, buckets: BucketTable, ids: BlobIDs, sequence: UInt64, bound: BoundKeeper, room: Room,
        now: @escaping @Sendable () -> Int64, reached: @escaping @Sendable (EnginePoint) -> Void,
        inspect: @escaping @Sendable (_ acknowledged: UInt64) throws(EngineError) -> OpeningRule,
        reread: @escaping @Sendable () throws(EngineError) -> (sequence: UInt64, buckets: [BucketRecord]),
        failed: @escaping @Sendable (Bool) -> Void,
        publish: @escaping @Sendable (CommitDraft.Effects, _ sequence: UInt64) -> Void
    ) {
        let queue = self.queue
        let counters = Counters()
        self.counters = counters
        self.thread = WorkerThread(name: "engine-commit") {
            var draft = CommitDraft(database: database, buckets: buckets, sequence: sequence)
            var uncertain = UncertainBlobs()
            /// Of the last group that is on the disk.
            var acknowledged = sequence
            // From a failed write to the next opening, when what the database shows may not be what is on the disk: even a
            // change that has nothing to write, such as the deletion of what is not there, is then not to be decided.
            var isUncertain = false
            while let tickets = queue.popAll() {
                var rest = tickets[...]
                while let first = rest.first {
                    if first.opensAnew {
                        rest.removeFirst()
                        isUncertain = true
                        do throws(EngineError) {
                            let effects = try Self.openAnew(
                                &draft, &uncertain, database: database, buckets: buckets, ids: ids, bound: bound,
                                inspect: { () throws(EngineError) in try inspect(acknowledged) }, reread: reread)
                            acknowledged = draft.sequence
                            isUncertain = false
                            failed(false)
                            publish(effects, draft.sequence)
                            first.conclude(nil)
                        } catch {
                            failed(true)
                            first.conclude(error)
                        }
                        continue
                    }
                    if isUncertain {
                        rest.removeFirst()
                        first.conclude(.recovering)
                        continue
                    }
                    draft.begin(timeMilliseconds: now())
                    let group = Self.decide(&rest, &draft)
                    reached(.groupDecided)
                    room.spend(UInt64(draft.byteCount) * Room.logFactor)
                    bound.prepare(at: draft.timeMilliseconds)
                    let failure = Self.write(&draft, to: database, ids: ids)
                    reached(.groupWritten)
                    if failure == nil {
                        // A group that was refused as a whole has written nothing.
                        if !draft.isEmpty {
                            acknowledged = draft.sequence
                            bound.committed(draft.sequence, in: database, at: draft.timeMilliseconds)
                        }
                        publish(draft.effects, draft.sequence)
                    } else {
                        isUncertain = true
                        uncertain.add(draft.effects.blobs)
                        failed(true)
                    }
                    counters.counts.withLock { counts in
                        counts.groupCount += 1
                        counts.changeCount += UInt64(group.count)
                    }
                    for ticket in group { ticket.conclude(failure) }
                }
            }
        }
    }

    /// Takes changes from the front until the group is full.
    private static func decide(
        _ rest: inout ArraySlice<any Ticket>, _ draft: inout CommitDraft
    ) -> [any Ticket] {
        var group: [any Ticket] = []
        while draft.byteCount < groupLimitBytes, rest.first?.opensAnew == false, let ticket = rest.popFirst() {
            do throws(EngineError) {
                try draft.decide(ticket)
                group.append(ticket)
            } catch {
                // The batch itself failed: nothing of this group can be trusted, and nothing has been written.
                ticket.conclude(error)
                for decided in group { decided.conclude(error) }
                group = []
                draft.begin(timeMilliseconds: draft.timeMilliseconds)
            }
        }
        return group
    }

    /// - Returns: why nobody can be told of success.
    private static func write(_ draft: inout CommitDraft, to database: Database, ids: BlobIDs) -> EngineError? {
        guard !draft.isEmpty else { return nil }
        // From here on the outcome may be unknown, and bytes that a record may name must not be cleared away.
        for blob in draft.effects.blobs { blob.markCommitted() }
        let bounds = ids.bounds
        let mark = CommitMark(sequence: draft.sequence, blobFloor: bounds.floor, nextBlob: bounds.next)
        do throws(EngineError) {
            try draft.write(mark, to: database)
        } catch {
            return error
        }
        for blob in draft.effects.blobs { blob.settle() }
        return nil
    }

    /// Suspends until the change is on the disk, or has been refused.
    func commit<Wanted: Change>(_ change: Wanted) async throws(EngineError) -> Wanted.Outcome {
        let result = await withCheckedContinuation { continuation in
            submit(change) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// - Parameter conclusion: called once, on the writer's thread or, when the writer has been closed, on this one.
    func submit<Wanted: Change>(
        _ change: Wanted, conclusion: @escaping @Sendable (Result<Wanted.Outcome, EngineError>) -> Void
    ) {
        if !enqueue(PendingChange(change, conclusion: conclusion)) { conclusion(.failure(.closed)) }
    }

    /// Whether it was taken: a closed writer takes nothing more.
    func enqueue(_ ticket: any Ticket) -> Bool { queue.push(ticket) }

    /// Finishes what waits and ends the thread.
    func close() {
        queue.close()
        thread.join()
    }

    var waitingCount: Int { queue.count }
    var counts: Counts { counters.counts.withLock { $0 } }
}
