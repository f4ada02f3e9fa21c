import CRocksDB

/// A warning or an error that RocksDB logged.
package struct RocksMessage: Hashable, Sendable {
    package let isError: Bool
    package let text: String
}

/// How a directory that was looked at is to be opened.
package enum OpeningRule: Sendable {
    /// Any damage of the log is an error.
    case whole
    /// The log is taken up to the write that was torn.
    case toTornRecord
}

extension Database {
    /// Closes the directory and opens it again, in place: after a failed write RocksDB refuses all others until then.
    ///
    /// Waits until every call under way has returned and every cursor is gone. Calls that come meanwhile wait; those of a
    /// thread that has a cursor go on, so that it can come to its end. The caller has no cursor. Batches, tables in the
    /// making and pinned values live on, but what was written without being synced may be gone: see ``generation``.
    ///
    /// - Parameter inspect: looks at the directory while nobody has it open; nil where it is not to be opened for writing.
    /// - Throws: why it could not be opened. Reads then go on where at least they can be had, and writes are refused;
    ///   try again.
    package func reopen(inspecting inspect: @escaping () -> OpeningRule?) throws(RocksError) {
        var inspect = inspect
        let status = unsafe withUnsafeMutablePointer(to: &inspect) { pointer in
            unsafe crocks_reopen(self.handle, pointer) { context in
                // Invariant: the context is the closure above, which outlives the call.
                guard let context = unsafe context else { return Int32(crocks_opens_not) }
                switch unsafe context.assumingMemoryBound(to: (() -> OpeningRule?).self).pointee() {
                case nil: return Int32(crocks_opens_not)
                case .whole: return Int32(crocks_opens_whole)
                case .toTornRecord: return Int32(crocks_opens_to_torn_record)
                }
            }
        }
        try unsafe check(status)
    }

    /// Rises with every reopening. What was written unsynced under another one must not be relied on.
    package var generation: UInt64 { unsafe crocks_generation(self.handle) }

    /// Whether a failure in the background has RocksDB refuse writes.
    package var hasFailed: Bool { unsafe crocks_has_failed(self.handle) }

    /// Writes a file as RocksDB would, and removes it: whether opening anew is worth trying.
    package func tryDisk(_ path: String, byteCount: Int) throws(RocksError) {
        try unsafe check(crocks_try_disk(self.handle, path, byteCount))
    }

    /// The warnings and errors that RocksDB logged since the last call, and how many more there were than are kept.
    package func takeMessages() -> (messages: [RocksMessage], droppedCount: UInt64) {
        var messages: [RocksMessage] = []
        var level: Int32 = 0
        var dropped: UInt64 = 0
        var droppedCount: UInt64 = 0
        while let text = unsafe crocks_take_message(self.handle, &level, &dropped) {
            droppedCount += dropped
            let isError = level == Int32(crocks_message_error)
            unsafe messages.append(RocksMessage(isError: isError, text: String(cString: text)))
            unsafe crocks_free_text(text)
        }
        return (messages, droppedCount + dropped)
    }
}
