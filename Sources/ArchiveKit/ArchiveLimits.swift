/// How much an archive may ask for before it is refused.
package struct ArchiveLimits: Sendable {
    /// Unpacked bytes of all members together.
    package var totalBytes: UInt64
    package var entryCount: Int
    /// Unpacked over packed bytes; looked at once more than `ratioFreeBytes` were unpacked.
    package var ratio: UInt64
    /// Bytes that may be unpacked whatever the ratio: a small model of equal values packs very well.
    package var ratioFreeBytes: UInt64
    package var pathBytes: Int

    package init(
        totalBytes: UInt64 = 2 << 30, entryCount: Int = 1000, ratio: UInt64 = 50, ratioFreeBytes: UInt64 = 64 << 20,
        pathBytes: Int = 1024
    ) {
        self.totalBytes = totalBytes
        self.entryCount = entryCount
        self.ratio = ratio
        self.ratioFreeBytes = ratioFreeBytes
        self.pathBytes = pathBytes
    }
}
