/// Whether an engine takes writes. It reads in every case.
package enum EngineHealth: Hashable, Sendable {
    case well
    /// Room is short: bodies, buckets and uploads are refused, deletes are taken. Passes by itself.
    case full(SpaceShortage)
    /// The disk failed: every change is refused until the database has been opened anew, which is being tried.
    case failed(reason: String)
}

/// What an operator should hear of, told as it happens on one of the engine's threads.
package enum EngineNotice: Hashable, Sendable {
    /// RocksDB's own words.
    case warning(String)
    case error(String)
    /// How many of its messages came faster than they were taken.
    case droppedMessages(UInt64)
    /// Writes are refused from now on.
    case full(SpaceShortage)
    /// There is room again: writes are taken.
    case roomAgain
    /// The disk failed: changes are refused from now on.
    case failed(String)
    /// Opening the database anew failed, with what; it is tried again.
    case stillFailed(String)
    /// The database was opened anew: changes are taken.
    case openedAnew
}
