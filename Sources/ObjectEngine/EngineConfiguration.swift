import Glibc
package import RocksKit

/// How long a bucket's history is kept.
package struct FeedRetention: Hashable, Sendable {
    package var ageMilliseconds: Int64
    /// Of all feeds together, as tables on the disk.
    package var limitBytes: UInt64

    package init(ageMilliseconds: Int64 = 7 * 24 * 3600 * 1000, limitBytes: UInt64 = 1 << 30) {
        self.ageMilliseconds = ageMilliseconds
        self.limitBytes = limitBytes
    }
}

/// What an engine is opened with.
package struct EngineConfiguration: Sendable {
    /// Made with mode 0700 when it is missing. One process at a time.
    package var directory: String
    /// Threads on which requests run and may block.
    package var threadCount = max(8, 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    /// Bodies up to this size go into the batch that commits them.
    package var inlineLimitBytes = 32 << 10
    /// Bodies from this size on are written as tables of their own.
    package var ingestThresholdBytes: UInt64 = 16 << 20
    /// The smallest part but the last that a completion accepts.
    package var minimumPartBytes: UInt64 = 5 << 20
    package var feedRetention = FeedRetention()
    /// RocksDB's block cache.
    package var cacheBytes: UInt64 = 256 << 20
    /// The most log that a reopening replays.
    package var logLimitBytes: UInt64 = 128 << 20
    /// Dead bytes of middling bodies that are left alone; beyond, they may be half of the living ones.
    package var deadBlobAllowanceBytes: UInt64 = 64 << 20
    /// Space that a file keeps for recovery and deletes; half as much must stay free beside it for writes to be taken.
    package var reserveBytes: UInt64 = 64 << 20
    /// How often the disk is looked after when nothing happens.
    package var watchMilliseconds = 500
    /// What the filesystem of the directory has free; nil asks it: for tests.
    package var freeBytes: (@Sendable () -> UInt64?)?
    /// Told what an operator should hear of, on one of the engine's threads.
    package var notify: @Sendable (EngineNotice) -> Void = { _ in }
    /// Milliseconds since 1970.
    package var now: @Sendable () -> Int64 = wallClockMilliseconds
    /// Random bytes for upload ids and the epoch.
    package var randomNumber: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    /// Told of each point as it is passed, on the thread that passes it: for tests.
    package var reached: @Sendable (EnginePoint) -> Void = { _ in }
    /// The failing disk of a test.
    package var faults: DiskFaults?

    package init(directory: String) {
        self.directory = directory
    }
}

private let wallClockMilliseconds: @Sendable () -> Int64 = {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
