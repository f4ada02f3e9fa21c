import CRocksDB

/// A sorted table made beside the database, to be moved into one of its families by ``Database/ingest(_:into:)``.
@safe package struct TableWriter: ~Copyable {
    private let handle: OpaquePointer
    private let database: Database

    package init(_ database: Database, family: UInt32, path: String) throws(RocksError) {
        var table: OpaquePointer?
        try unsafe check(crocks_table_new(database.handle, family, path, &table))
        guard let table = unsafe table else { throw RocksError(.other(code: 0), "no table was made") }
        unsafe self.handle = table
        self.database = database
    }

    deinit { unsafe crocks_table_free(self.handle) }

    /// Keys must rise.
    package mutating func put(_ key: [UInt8], _ bytes: RawSpan) throws(RocksError) {
        let status = unsafe key.withUnsafeBytes { key in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe crocks_table_put(self.handle, key.baseAddress, key.count, bytes.baseAddress, bytes.count)
            }
        }
        try unsafe check(status)
    }

    /// Writes the index and syncs the file.
    ///
    /// - Returns: the size of the file in bytes.
    package mutating func finish() throws(RocksError) -> UInt64 {
        var fileBytes: UInt64 = 0
        try unsafe check(crocks_table_finish(self.handle, &fileBytes))
        return fileBytes
    }
}
