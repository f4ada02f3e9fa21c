/// The moments between which a crash makes a difference: a test ends the process at one of them and opens the directory
/// again.
package enum EnginePoint: String, CaseIterable, Hashable, Sendable {
    /// A chunk of a body has gone into the log.
    case chunkWritten
    /// A table has been finished beside the database.
    case tableStaged
    /// The tables of a body are in the database; nothing names them.
    case tablesIngested
    /// A group has been decided; its batch has not been written.
    case groupDecided
    /// The batch is on the disk; nobody has been told.
    case groupWritten
    /// The bytes of a journal entry are gone; the entry is not.
    case bytesReclaimed
}
