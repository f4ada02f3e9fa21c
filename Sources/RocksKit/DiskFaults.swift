import CRocksDB

/// A file system under RocksDB that fails on command and forgets what was not synced: for tests.
@safe package final class DiskFaults: Sendable {
    // Sendable: the C++ object guards itself with a mutex and atomics; the handle is never reassigned.
    nonisolated(unsafe) let handle: OpaquePointer

    package init() {
        unsafe self.handle = crocks_faults_new()
    }

    deinit { unsafe crocks_faults_free(self.handle) }

    /// The `countdown`-th change of the disk from now on fails, and every one after it; zero mends the disk.
    package func arm(countdown: UInt64, isFull: Bool = false) {
        unsafe crocks_faults_arm(self.handle, countdown, isFull)
    }

    /// How many times the disk was to be changed.
    package var operationCount: UInt64 { unsafe crocks_faults_operations(self.handle) }

    /// Cuts each file back to what was synced of it, as a power cut may. The database must be closed.
    package func loseUnsynced() throws(RocksError) {
        try unsafe check(crocks_faults_lose_unsynced(self.handle))
    }
}
