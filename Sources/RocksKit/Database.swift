import CRocksDB

/// One open RocksDB directory. Families are named by their place in the list it was opened with.
///
/// Every call may block on the disk, and waits while ``reopen()`` is under way. The caller closes it by letting go of the last reference; batches, cursors, tables
/// and pinned values keep it alive.
@safe package final class Database: Sendable {
    // Sendable: rocksdb::DB is thread-safe by its header; the handle is never reassigned.
    nonisolated(unsafe) let handle: OpaquePointer
    private let faults: DiskFaults?

    package init(path: String, settings: DatabaseSettings, families: [FamilySettings]) throws(RocksError) {
        var opened: OpaquePointer?
        let names = families.map { Array($0.name.utf8CString) }
        let nameBytes = names.flatMap { $0 }
        let status = unsafe nameBytes.withUnsafeBufferPointer { bytes in
            var offset = 0
            var described: [crocks_family] = unsafe []
            for (family, name) in zip(families, names) {
                unsafe described.append(
                    crocks_family(
                        name: bytes.baseAddress.map { unsafe $0 + offset }, write_buffer_bytes: family.writeBufferBytes,
                        block_bytes: family.blockBytes, bloom_bits_per_key: family.bloomBitsPerKey,
                        compresses: family.compresses, compacts_automatically: family.compactsAutomatically,
                        blob_threshold_bytes: family.blobThresholdBytes ?? 0, blob_file_bytes: family.blobFileBytes))
                offset += name.count
            }
            var options = unsafe crocks_settings(
                cache_bytes: settings.cacheBytes, log_limit_bytes: settings.logLimitBytes,
                background_job_count: settings.backgroundJobCount, open_file_limit: settings.openFileLimit,
                direct_io: settings.usesDirectIO, creates: settings.creates,
                ends_at_torn_record: settings.endsAtTornRecord, faults: settings.faults?.handle)
            return unsafe crocks_open(path, &options, described, described.count, &opened)
        }
        try unsafe check(status)
        guard let opened = unsafe opened else { throw RocksError(.other(code: 0), "opened nothing") }
        unsafe self.handle = opened
        self.faults = settings.faults
    }

    /// Takes over a handle that was opened elsewhere in this room.
    init(adopting handle: OpaquePointer) {
        unsafe self.handle = handle
        self.faults = nil
    }

    deinit { unsafe crocks_close(self.handle) }

    /// The bytes under a key, or nil.
    ///
    /// - Parameter fillsCache: false for bulk bytes that would push metadata out of the block cache.
    package func value(_ key: [UInt8], in family: UInt32, fillsCache: Bool = true) throws(RocksError) -> PinnedValue? {
        var value: OpaquePointer?
        let status = unsafe key.withUnsafeBytes { key in
            unsafe crocks_get(self.handle, family, key.baseAddress, key.count, fillsCache, &value)
        }
        guard try unsafe found(status), let value = unsafe value else { return nil }
        return unsafe PinnedValue(handle: value)
    }

    /// Writes through the log without waiting for the disk; the next synced batch carries it there.
    package func put(_ key: [UInt8], _ bytes: RawSpan, in family: UInt32) throws(RocksError) {
        let status = unsafe key.withUnsafeBytes { key in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe crocks_put(self.handle, family, key.baseAddress, key.count, bytes.baseAddress, bytes.count)
            }
        }
        try unsafe check(status)
    }

    /// Deletes `[lower, upper)` without waiting for the disk.
    package func deleteRange(_ lower: [UInt8], _ upper: [UInt8], in family: UInt32) throws(RocksError) {
        let status = unsafe withBounds(lower, upper) { lower, upper in
            unsafe crocks_delete_range(
                self.handle, family, lower.baseAddress, lower.count, upper.baseAddress, upper.count)
        }
        try unsafe check(status)
    }

    /// Writes a batch whole or not at all. With `isSynced` it is on the disk on return, and all that was written before.
    package func write(_ batch: borrowing WriteBatch, isSynced: Bool) throws(RocksError) {
        try unsafe check(crocks_batch_write(self.handle, batch.handle, isSynced))
    }

    /// Moves finished tables in, all or none, durable on return. The files must be on the database's file system.
    package func ingest(_ paths: [String], into family: UInt32) throws(RocksError) {
        let texts = paths.map { Array($0.utf8CString) }
        let bytes = texts.flatMap { $0 }
        let status = unsafe bytes.withUnsafeBufferPointer { bytes in
            var offset = 0
            var pointers: [UnsafePointer<CChar>?] = unsafe []
            for text in texts {
                unsafe pointers.append(bytes.baseAddress.map { unsafe $0 + offset })
                offset += text.count
            }
            return unsafe crocks_ingest(self.handle, family, pointers, pointers.count)
        }
        try unsafe check(status)
    }

    /// Unlinks the tables that lie wholly in `[lower, upper)`; readers of a snapshot lose them too.
    package func deleteFiles(_ lower: [UInt8], _ upper: [UInt8], in family: UInt32) throws(RocksError) {
        let status = unsafe withBounds(lower, upper) { lower, upper in
            unsafe crocks_delete_files(
                self.handle, family, lower.baseAddress, lower.count, upper.baseAddress, upper.count)
        }
        try unsafe check(status)
    }

    /// Writes all that is in memory to tables, so that a reopening replays nothing.
    package func flush() throws(RocksError) {
        try unsafe check(crocks_flush(self.handle, true))
    }

    /// Rewrites what lives in a range of a family, blob files included, so that the space of the dead comes back.
    ///
    /// - Parameter blobShare: of the blob files, the oldest ones that are rewritten. Those without anything alive go
    ///   whatever the share is, and need no room.
    package func compact(
        _ lower: [UInt8], _ upper: [UInt8], in family: UInt32, blobShare: Double = 1
    ) throws(RocksError) {
        let status = unsafe withBounds(lower, upper) { lower, upper in
            unsafe crocks_compact(
                self.handle, family, lower.baseAddress, lower.count, upper.baseAddress, upper.count, blobShare)
        }
        try unsafe check(status)
    }

    /// How many background errors RocksDB has reported since it was opened, and the last one's text.
    package var backgroundErrors: (count: UInt64, latest: String?) {
        var text: UnsafeMutablePointer<CChar>?
        let count = unsafe crocks_background_errors(self.handle, &text)
        guard let text = unsafe text else { return (count, nil) }
        let latest = unsafe String(cString: text)
        unsafe crocks_free_text(text)
        return (count, latest)
    }

    /// One of RocksDB's integer properties, or nil when it knows none of that name.
    package func property(_ name: String, of family: UInt32) -> UInt64? {
        var value: UInt64 = 0
        return unsafe crocks_property(self.handle, family, name, &value) ? value : nil
    }

    /// The bytes that the tables of a family take on the disk, blob files not counted.
    package func tableBytes(of family: UInt32) -> UInt64 {
        unsafe crocks_table_bytes(self.handle, family)
    }
}

/// Lends two keys at once.
func withBounds<Result>(
    _ lower: [UInt8], _ upper: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
) -> Result {
    unsafe lower.withUnsafeBytes { lower in unsafe upper.withUnsafeBytes { upper in unsafe body(lower, upper) } }
}
