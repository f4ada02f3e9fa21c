import HTTPKernel
import S3Wire

/// What one upload has of the accounts, from its first byte to its last.
///
/// While there is room a large body is written into a table from the beginning, which takes memory and a descriptor. Otherwise it
/// goes through the log until it is too large for that; then it needs the table, and is refused when there is still no room.
final class UploadShare {
    private let shares: ConnectionShares?
    private let memory: MemoryShare
    private var hasTable = false
    private let sizeBytes: UInt64
    /// Whether bytes may wait ahead of the reader.
    let readsAhead: Bool

    /// - Throws: SlowDown when there is no room for even the smallest of the ways.
    init(_ shares: ConnectionShares?, sizeBytes: UInt64) throws(S3Error) {
        self.shares = shares
        self.sizeBytes = sizeBytes
        self.memory = MemoryShare(shares?.memory)
        if sizeBytes >= TransferCost.tableThresholdBytes, memory.resize(to: TransferCost.tableUploadBytes, for: .speed)
        {
            if Self.takeTable(shares) {
                self.hasTable = true
                self.readsAhead = true
                return
            }
            _ = memory.resize(to: 0, for: .speed)
        }
        let size = Int(clamping: sizeBytes)
        if memory.resize(to: min(2 * size, TransferCost.queuedUploadBytes), for: .speed) {
            self.readsAhead = true
            return
        }
        self.readsAhead = false
        guard memory.resize(to: min(2 * size, TransferCost.leanUploadBytes), for: .need) else {
            throw S3Error(.slowDown)
        }
    }

    deinit {
        if hasTable { shares?.descriptors.release(.table) }
    }

    /// What the engine is told to expect: nil keeps it from beginning a table.
    var expectedSizeBytes: UInt64? {
        sizeBytes < TransferCost.tableThresholdBytes || hasTable ? sizeBytes : nil
    }

    /// To be called before more of the body is handed to the engine.
    ///
    /// - Parameter receivedBytes: of its content, with what is about to be handed over.
    /// - Throws: SlowDown when it has to become a table and there is no room for one.
    func grow(to receivedBytes: UInt64) throws(S3Error) {
        guard !hasTable, receivedBytes >= TransferCost.tableThresholdBytes else { return }
        guard memory.resize(to: TransferCost.tableUploadBytes, for: .need), Self.takeTable(shares) else {
            throw S3Error(.slowDown)
        }
        hasTable = true
    }

    private static func takeTable(_ shares: ConnectionShares?) -> Bool { shares?.descriptors.charge(.table) ?? true }
}
