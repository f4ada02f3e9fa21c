/// Gauges of a running engine.
package struct EngineStatistics: Sendable {
    /// Requests that wait for a thread.
    package let waitingJobCount: Int
    /// Changes that wait for the writer.
    package let waitingChangeCount: Int
    /// Batches written, and the changes decided in them, since the engine was opened.
    package let groupCount: UInt64
    package let changeCount: UInt64
    package let leasedBlobCount: Int
    /// Bytes of table and blob files.
    package let storedBytes: UInt64
    /// Bytes of deleted bodies whose space has not come back yet, of the `blob` family.
    package let deadBlobBytes: UInt64
    package let backgroundErrorCount: UInt64
    package let latestBackgroundError: String?
}
