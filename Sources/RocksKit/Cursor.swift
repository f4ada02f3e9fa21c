import CRocksDB

/// Walks the keys of a family in byte order, within bounds, over the state of the moment it was made.
@safe package struct Cursor: ~Copyable {
    private let handle: OpaquePointer
    private let database: Database

    /// - Parameters:
    ///   - lower: the first key that may be seen.
    ///   - upper: the first key that may not; nil for no end.
    package init(_ database: Database, family: UInt32, lower: [UInt8], upper: [UInt8]?, fillsCache: Bool = true) {
        unsafe self.init(database, batch: nil, family: family, lower: lower, upper: upper, fillsCache: fillsCache)
    }

    /// Also sees what a batch holds; the caller keeps the batch alive and unchanged for as long as the cursor lives.
    init(
        _ database: Database, batch: OpaquePointer?, family: UInt32, lower: [UInt8], upper: [UInt8]?,
        fillsCache: Bool = true
    ) {
        self.database = database
        unsafe self.handle = withBounds(lower, upper ?? []) { lowerBytes, upperBytes in
            // An empty array may lend a null pointer, which here means "no bound": the same thing for a lower bound.
            unsafe crocks_cursor_new(
                database.handle, batch, family, lowerBytes.baseAddress, lowerBytes.count,
                upper == nil ? nil : upperBytes.baseAddress, upperBytes.count, fillsCache)
        }
    }

    deinit { unsafe crocks_cursor_free(self.handle) }

    package var isValid: Bool { unsafe crocks_cursor_valid(self.handle) }

    /// Goes to the first key that is not below `key`.
    ///
    /// - Throws: when the disk failed on the way; an end reached for want of keys is no error.
    package mutating func seek(_ key: [UInt8]) throws(RocksError) {
        unsafe key.withUnsafeBytes { key in
            unsafe crocks_cursor_seek(self.handle, key.baseAddress, key.count)
        }
        try checkEnd()
    }

    package mutating func seekLast() throws(RocksError) {
        unsafe crocks_cursor_seek_last(self.handle)
        try checkEnd()
    }

    package mutating func next() throws(RocksError) {
        unsafe crocks_cursor_next(self.handle)
        try checkEnd()
    }

    /// Lends the key under the cursor for the length of the call.
    package func withKey<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(isValid, "a cursor past its end has no key")
        var size = 0
        // Invariant: data points at `size` bytes until the cursor moves, which it cannot during the call.
        let data = unsafe crocks_cursor_key(self.handle, &size)
        return try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: data, count: size)))
    }

    /// Lends the value under the cursor for the length of the call.
    package func withValue<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(isValid, "a cursor past its end has no value")
        var size = 0
        // Invariant: as for the key.
        let data = unsafe crocks_cursor_value(self.handle, &size)
        return try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: data, count: size)))
    }

    package var key: [UInt8] { withKey { unsafe $0.withUnsafeBytes { unsafe Array($0) } } }
    package var value: [UInt8] { withValue { unsafe $0.withUnsafeBytes { unsafe Array($0) } } }

    private func checkEnd() throws(RocksError) {
        if !isValid { try unsafe check(crocks_cursor_status(self.handle)) }
    }
}
