import DurableFiles
import RocksKit
import S3Types
import Synchronization
import Threads

/// The store of objects: buckets, bodies, uploads and the history of their changes, in one RocksDB directory.
///
/// Calls without `async` may block on the disk and are made from tasks on ``executor``. Calls with `async` decide on the
/// writer's thread and suspend until what they changed is on the disk. Records are changed by the writer alone; bodies
/// are written beforehand, under ids that nothing names until the writer's batch does.
package final class StorageEngine: Sendable {
    /// Where requests run.
    package let executor: EngineExecutor
    /// Tells this history from that of another store, or of this one before it was restored.
    package let epoch: UInt64
    /// How many files the database may keep open; the rest of the process's descriptors are for others.
    package let openFileLimit: Int

    /// Where the log was found to end in a write that a crash interrupted.
    package let tornTail: TornTail?

    let configuration: EngineConfiguration
    let database: Database
    private let lock: DirectoryLock
    private let bound: BoundKeeper
    let sink: BlobSink
    let ids: BlobIDs
    let leases: Leases
    let bucketTable: BucketTable
    let feed: FeedBoard
    let writer: CommitWriter
    let reclaimer: Reclaimer
    let room: Room
    private let watch: Watch
    private let writeFailure: Watch.Flag

    /// With less free an opening may fail.
    private static let leastRoomToOpenBytes: UInt64 = 16 << 20

    /// Opens a directory, or makes one; clears away what a crash left behind.
    ///
    /// - Throws: ``EngineError/storage(_:)`` also while another process has it open; ``EngineError/damaged(_:)`` and
    ///   ``EngineError/unsupportedFormat(found:supported:)`` leave the directory as it was, byte for byte.
    package static func open(_ configuration: EngineConfiguration) throws(EngineError) -> StorageEngine {
        tuneAllocator()
        let disk = SystemDisk()
        let opening = try StoreOpening(configuration.directory, disk: disk)
        let staging = opening.layout.staging
        try filing { () throws(FileError) in try disk.makeDirectory(staging, mode: 0o700) }
        var settings = DatabaseSettings()
        settings.cacheBytes = configuration.cacheBytes
        settings.logLimitBytes = configuration.logLimitBytes
        settings.usesDirectIO = disk.supportsDirectIO(in: staging)
        settings.openFileLimit = raiseOpenFileLimit()
        settings.faults = configuration.faults
        settings.creates = opening.isNew
        settings.endsAtTornRecord = opening.isNew || opening.tornTail != nil
        let reserve = Reserve(path: opening.layout.reserve, sizeBytes: configuration.reserveBytes)
        let directory = configuration.directory
        let free = configuration.freeBytes ?? { Room.freeBytes(of: directory) }
        // An opening writes what is in the log to tables.
        if let free = free(), free < max(reserve.sizeBytes, leastRoomToOpenBytes) { reserve.give() }
        // Or RocksDB reports as an error that it is not there.
        try filing { () throws(FileError) in try disk.makeDirectory(opening.layout.database, mode: 0o700) }
        let database = try storing { () throws(RocksError) in
            try Database(
                path: opening.layout.database, settings: settings, families: Family.allCases.map(\.settings))
        }
        let sink = BlobSink(database: database, stagingDirectory: staging, disk: disk, reached: configuration.reached)
        let state = try Recovery(
            database: database, sink: sink, configuration: configuration, isNew: opening.isNew
        ).run()
        let bound = try opening.finish(in: database, epoch: state.epoch, sequence: state.sequence)
        let room = Room(directory: directory, database: database, reserve: reserve, free: free)
        room.look()
        return StorageEngine(
            configuration, sink: sink, room: room, state: state, opening: opening, bound: bound,
            openFileLimit: Int(settings.openFileLimit))
    }

    private init(
        _ configuration: EngineConfiguration, sink: BlobSink, room: Room, state: Recovery.State,
        opening: StoreOpening, bound: BoundKeeper, openFileLimit: Int
    ) {
        self.openFileLimit = openFileLimit
        self.configuration = configuration
        self.lock = opening.lock
        self.tornTail = opening.tornTail
        self.bound = bound
        self.database = sink.database
        self.sink = sink
        self.room = room
        self.epoch = state.epoch
        self.executor = EngineExecutor(threadCount: configuration.threadCount)
        let ids = BlobIDs(next: state.nextBlob)
        let buckets = BucketTable(state.buckets)
        let feed = FeedBoard(epoch: state.epoch, published: state.sequence)
        let wakeups = BlockingQueue<Reclaimer.Request>()
        let leases = Leases { wakeups.push(.look) }
        let trims = TrimSchedule()
        let writeFailure = Watch.Flag()
        let watchWakeUp = WakeUp()
        let recovery = Recovery(database: sink.database, sink: sink, configuration: configuration, isNew: false)
        let (layout, disk) = (opening.layout, sink.disk)
        let writer = CommitWriter(
            database: sink.database, buckets: buckets, ids: ids, sequence: state.sequence, bound: bound, room: room,
            now: configuration.now, reached: configuration.reached,
            inspect: { (acknowledged) throws(EngineError) in
                try StoreOpening.ruleToOpenAnew(layout, disk: disk, acknowledged: acknowledged)
            },
            reread: { () throws(EngineError) in try recovery.reread() },
            failed: { hasFailed in
                let isNew = hasFailed && !writeFailure.isSet
                writeFailure.set(hasFailed)
                if isNew { watchWakeUp.signal() }
            }
        ) { effects, sequence in
            if effects.hasDeletions { room.noteDeletion() }
            buckets.apply(effects.buckets)
            feed.publish(sequence, events: effects.events)
            if effects.hasReclaimable { wakeups.push(.look) }
            if trims.isDue(at: effects.timeMilliseconds) { wakeups.push(.trim(effects.timeMilliseconds)) }
        }
        self.ids = ids
        self.bucketTable = buckets
        self.feed = feed
        self.leases = leases
        self.writer = writer
        self.reclaimer = Reclaimer(
            requests: wakeups, sink: sink, ids: ids, leases: leases, buckets: buckets, writer: writer, room: room,
            configuration: configuration)
        self.writeFailure = writeFailure
        self.watch = Watch(
            room: room, bound: bound, database: sink.database, stagingDirectory: sink.stagingDirectory, writer: writer,
            failure: writeFailure, wakeUp: watchWakeUp, configuration: configuration
        ) { wakeups.push(.relieve) }
    }

    /// Finishes what was submitted, writes what is in memory to tables and refuses further changes. The directory is free
    /// for another engine once the last handle, writer of a body and reference to this are gone. Blocks; not to be called
    /// from a task on ``executor`` that others wait for.
    package func close() {
        watch.close()
        writer.close()
        reclaimer.close()
        feed.close()
        // What could not be written now is in the log and is replayed by the next opening; the bound stays what it was.
        try? database.flush()
        bound.close(database)
    }

    // MARK: Bodies

    /// Begins a body.
    ///
    /// - Throws: ``EngineError/insufficientStorage(_:)`` and ``EngineError/recovering``, before a byte of it is taken.
    /// - Parameter expectedSizeBytes: what the client announced; nil where it did not. More or fewer may come.
    package func beginBlob(
        expectedSizeBytes: UInt64? = nil, purpose: BlobPurpose = .object
    ) throws(EngineError) -> BlobWriter {
        let expected = expectedSizeBytes ?? 0
        try requireRoom(
            expected >= configuration.ingestThresholdBytes ? expected : expected * Room.logFactor)
        let reclaimer = self.reclaimer
        return BlobWriter(
            sink: sink, ids: ids, room: room, expectedSizeBytes: expectedSizeBytes, purpose: purpose,
            inlineLimitBytes: configuration.inlineLimitBytes, ingestThresholdBytes: configuration.ingestThresholdBytes
        ) { reclaimer.discard($0) }
    }

    /// Suspends until the space of everything deleted so far has been given up, but for what is being read.
    package func settleReclaim() async { await reclaimer.settle() }

    // MARK: Health

    /// Refuses what would bring bytes while there is no room for them or the disk has failed.
    ///
    /// - Parameter costBytes: what the disk will hold of them, as far as it is known.
    func requireRoom(_ costBytes: UInt64) throws(EngineError) {
        guard !writeFailure.isSet, !database.hasFailed, bound.failure == nil else { throw .recovering }
        try room.require(costBytes)
    }

    /// Whether changes are taken.
    package var health: EngineHealth {
        if writeFailure.isSet || database.hasFailed {
            return .failed(reason: database.backgroundErrors.latest ?? "a write failed")
        }
        if let reason = bound.failure { return .failed(reason: reason) }
        return room.isRefusing ? .full(room.shortage()) : .well
    }

    /// The state of the machinery.
    package func statistics() -> EngineStatistics {
        let counts = writer.counts
        let errors = database.backgroundErrors
        let stored = Family.allCases.reduce(UInt64(0)) { sum, family in
            sum + database.tableBytes(of: family.rawValue)
                + (database.property("rocksdb.total-blob-file-size", of: family.rawValue) ?? 0)
        }
        return EngineStatistics(
            waitingJobCount: executor.waitingCount, waitingChangeCount: writer.waitingCount,
            groupCount: counts.groupCount, changeCount: counts.changeCount, leasedBlobCount: leases.count,
            storedBytes: stored, deadBlobBytes: reclaimer.deadBlobBytes, backgroundErrorCount: errors.count,
            latestBackgroundError: errors.latest ?? bound.failure)
    }
}
