import RocksKit
import S3Types

/// The wish to have the database opened anew, in the queue of the changes, so that the writer grants it between two groups.
final class Reopening: Ticket {
    private let conclusion: @Sendable (EngineError?) -> Void

    init(_ conclusion: @escaping @Sendable (EngineError?) -> Void) {
        self.conclusion = conclusion
    }

    var opensAnew: Bool { true }

    func decide(_ draft: inout CommitDraft) -> Bool { preconditionFailure("no change, and never part of a group") }

    func conclude(_ failure: EngineError?) { conclusion(failure) }
}

/// Blobs of batches whose write failed: whether a record names them is known only once the database was opened anew.
struct UncertainBlobs {
    private var blobs: [FinishedBlob] = []

    mutating func add(_ blobs: [FinishedBlob]) {
        self.blobs += blobs.filter { !$0.extents.isEmpty }
    }

    /// Lets go of each: as one that is named, or as one whose bytes are to be cleared away.
    mutating func settle(by database: Database) throws(EngineError) {
        while let blob = blobs.last {
            // A batch is there whole or not at all, so that one extent speaks for all.
            let isNamed = try storing { () throws(RocksError) in
                guard let id = blob.extents.first?.id else { return false }
                guard let _ = try database.value(StoreKey.references(id), in: Family.references.rawValue) else {
                    return false
                }
                return true
            }
            if isNamed { blob.settle() } else { blob.markUncommitted() }
            blobs.removeLast()
        }
    }
}

extension CommitWriter {
    /// Opens the database anew and brings all that is known of it in memory to what the disk holds. Blocks; not from a
    /// thread that has a cursor.
    func openAnew() throws(EngineError) {
        let results = BlockingQueue<EngineError?>()
        if !enqueue(Reopening { results.push($0) }) { throw .closed }
        if let error = results.pop() ?? nil { throw error }
    }

    /// On the writer's thread. Ends with a synced write, since what takes none is not in order.
    static func openAnew(
        _ draft: inout CommitDraft, _ uncertain: inout UncertainBlobs, database: Database, buckets: BucketTable,
        ids: BlobIDs, bound: BoundKeeper, inspect: @escaping () throws(EngineError) -> OpeningRule,
        reread: () throws(EngineError) -> (sequence: UInt64, buckets: [BucketRecord])
    ) throws(EngineError) -> CommitDraft.Effects {
        draft.begin(timeMilliseconds: draft.timeMilliseconds)
        try reopen(database, inspect)
        let found = try reread()
        draft.resume(behind: found.sequence)
        try uncertain.settle(by: database)
        // A bucket that went has an end; in any other there may be events of batches that nobody was told of.
        var effects = CommitDraft.Effects(timeMilliseconds: draft.timeMilliseconds)
        for bucket in buckets.all { effects.events[bucket.id] = .max }
        for bucket in found.buckets { effects.events[bucket.id] = draft.sequence }
        effects.hasReclaimable = true
        buckets.replace(with: found.buckets)
        let bounds = ids.bounds
        let mark = CommitMark(sequence: draft.sequence, blobFloor: bounds.floor, nextBlob: bounds.next)
        bound.prepare(at: draft.timeMilliseconds)
        try draft.write(mark, to: database)
        bound.committed(draft.sequence, in: database, at: draft.timeMilliseconds)
        return effects
    }

    /// - Throws: what the look at the directory found, before anything in it has changed; else why it does not open.
    private static func reopen(
        _ database: Database, _ inspect: @escaping () throws(EngineError) -> OpeningRule
    ) throws(EngineError) {
        var fault: EngineError?
        do throws(RocksError) {
            try database.reopen {
                do throws(EngineError) { return try inspect() } catch {
                    fault = error
                    return nil
                }
            }
        } catch {
            throw fault ?? .storage(error)
        }
    }
}
