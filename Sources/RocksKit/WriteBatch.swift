import CRocksDB

/// Changes that are written together, readable before they are: the writer decides each request against the database
/// and what the requests before it in the same batch have done.
@safe package struct WriteBatch: ~Copyable {
    let handle: OpaquePointer
    private let database: Database

    package init(_ database: Database) {
        self.database = database
        unsafe self.handle = crocks_batch_new()
    }

    deinit { unsafe crocks_batch_free(self.handle) }

    package mutating func put(_ key: [UInt8], _ bytes: [UInt8], in family: UInt32) throws(RocksError) {
        let status = unsafe withBounds(key, bytes) { key, bytes in
            unsafe crocks_batch_put(
                self.database.handle, self.handle, family, key.baseAddress, key.count, bytes.baseAddress, bytes.count)
        }
        try unsafe check(status)
    }

    package mutating func delete(_ key: [UInt8], in family: UInt32) throws(RocksError) {
        let status = unsafe key.withUnsafeBytes { key in
            unsafe crocks_batch_delete(self.database.handle, self.handle, family, key.baseAddress, key.count)
        }
        try unsafe check(status)
    }

    /// What a reader would find with the batch written.
    package func value(_ key: [UInt8], in family: UInt32) throws(RocksError) -> PinnedValue? {
        var value: OpaquePointer?
        let status = unsafe key.withUnsafeBytes { key in
            unsafe crocks_batch_get(self.database.handle, self.handle, family, key.baseAddress, key.count, &value)
        }
        guard try unsafe found(status), let value = unsafe value else { return nil }
        return unsafe PinnedValue(handle: value)
    }

    /// Whether any key of `[lower, upper)` would be there with the batch written.
    package func holdsAnything(from lower: [UInt8], to upper: [UInt8], in family: UInt32) throws(RocksError) -> Bool {
        var cursor = unsafe Cursor(self.database, batch: self.handle, family: family, lower: lower, upper: upper)
        try cursor.seek(lower)
        return cursor.isValid
    }

    /// Visits the keys of `[lower, upper)` as they would be with the batch written, in order.
    package func walk(
        from lower: [UInt8], to upper: [UInt8], in family: UInt32, _ visit: (_ key: [UInt8], _ value: [UInt8]) -> Void
    ) throws(RocksError) {
        var cursor = unsafe Cursor(self.database, batch: self.handle, family: family, lower: lower, upper: upper)
        try cursor.seek(lower)
        while cursor.isValid {
            visit(cursor.key, cursor.value)
            try cursor.next()
        }
    }

    /// Remembers the state to come back to; marks nest.
    package mutating func mark() {
        unsafe crocks_batch_mark(self.handle)
    }

    /// Takes back everything since the last mark.
    package mutating func returnToMark() throws(RocksError) {
        try unsafe check(crocks_batch_return_to_mark(self.handle))
    }

    /// Keeps everything since the last mark.
    package mutating func dropMark() throws(RocksError) {
        try unsafe check(crocks_batch_drop_mark(self.handle))
    }

    package mutating func clear() {
        unsafe crocks_batch_clear(self.handle)
    }

    package var byteCount: Int { unsafe crocks_batch_bytes(self.handle) }
    package var isEmpty: Bool { unsafe crocks_batch_count(self.handle) == 0 }
}
