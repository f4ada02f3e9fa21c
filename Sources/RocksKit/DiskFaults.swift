import CRocksDB

/// A file system under RocksDB that fails on command and forgets what was not synced: for tests.
@safe package final class DiskFaults: Sendable {
    // Sendable: the C++ object guards itself with a mutex and atomics; the handle is never reassigned.
    nonisolated(unsafe) let handle: OpaquePointer

    package init() {
        unsafe self.handle = crocks_faults_new()
    }

    deinit { unsafe crocks_faults_free(self.handle) }

    /// Which changes of the disk may fail.
    package struct Kinds: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let write = Kinds(rawValue: UInt32(crocks_faults_write))
        package static let sync = Kinds(rawValue: UInt32(crocks_faults_sync))
        package static let open = Kinds(rawValue: UInt32(crocks_faults_open))
        package static let rename = Kinds(rawValue: UInt32(crocks_faults_rename))
        package static let all: Kinds = [.write, .sync, .open, .rename]
    }

    /// The `countdown`-th change of one of the kinds from now on fails, and every one after it, or the next `count` in
    /// all; a countdown of zero mends the disk.
    package func arm(countdown: UInt64, count: UInt64? = nil, of kinds: Kinds = .all, isFull: Bool = false) {
        unsafe crocks_faults_arm(self.handle, countdown, count ?? 0, kinds.rawValue, isFull)
    }

    /// How many times the disk was to be changed.
    package var operationCount: UInt64 { unsafe crocks_faults_operations(self.handle) }

    /// Cuts each file back to what was synced of it, as a power cut may. The database must be closed.
    package func loseUnsynced() throws(RocksError) {
        try unsafe check(crocks_faults_lose_unsynced(self.handle))
    }
}
