/// How one column family is kept.
package struct FamilySettings: Sendable {
    package var name: String
    package var writeBufferBytes: UInt64
    package var blockBytes: UInt64
    /// Zero for no Bloom filter.
    package var bloomBitsPerKey: Int32
    /// LZ4, or nothing at all.
    package var compresses: Bool
    /// False for a family that is only ever ingested into and dropped from by file.
    package var compactsAutomatically: Bool
    /// Values of this size and more live in blob files; nil for a family that has none.
    package var blobThresholdBytes: UInt64?
    package var blobFileBytes: UInt64

    package init(
        name: String, writeBufferBytes: UInt64 = 16 << 20, blockBytes: UInt64 = 16 << 10, bloomBitsPerKey: Int32 = 0,
        compresses: Bool = true, compactsAutomatically: Bool = true, blobThresholdBytes: UInt64? = nil,
        blobFileBytes: UInt64 = 256 << 20
    ) {
        self.name = name
        self.writeBufferBytes = writeBufferBytes
        self.blockBytes = blockBytes
        self.bloomBitsPerKey = bloomBitsPerKey
        self.compresses = compresses
        self.compactsAutomatically = compactsAutomatically
        self.blobThresholdBytes = blobThresholdBytes
        self.blobFileBytes = blobFileBytes
    }
}

/// What holds for a whole database.
package struct DatabaseSettings: Sendable {
    package var cacheBytes: UInt64 = 256 << 20
    /// The most that a reopening has to replay.
    package var logLimitBytes: UInt64 = 128 << 20
    package var backgroundJobCount: Int32 = 4
    package var openFileLimit: Int32 = 4096
    /// For flushes, compactions and tables made outside; the file system must support it.
    package var usesDirectIO = false
    /// Makes the database and the families that are missing; otherwise their absence is an error.
    package var creates = false
    /// Takes the log up to its first damage, for one whose tail is known to be torn; otherwise any damage is an error.
    package var endsAtTornRecord = false
    /// The failing file system of a test.
    package var faults: DiskFaults?

    package init() {}
}
