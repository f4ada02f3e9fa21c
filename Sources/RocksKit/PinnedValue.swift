import CRocksDB

/// A value where RocksDB keeps it, pinned until this goes.
@safe package struct PinnedValue: ~Copyable, Sendable {
    // Sendable: the slice is immutable once it is filled, and only this value frees it.
    nonisolated(unsafe) private let handle: OpaquePointer

    init(handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit { unsafe crocks_value_free(self.handle) }

    package var count: Int { unsafe crocks_value_size(self.handle) }

    /// Lends the bytes for the length of the call.
    package func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Invariant: data points at `size` bytes for as long as the handle lives, and self outlives the call.
        let buffer = unsafe UnsafeRawBufferPointer(
            start: crocks_value_data(self.handle), count: crocks_value_size(self.handle))
        return try body(unsafe RawSpan(_unsafeBytes: buffer))
    }

    package func copied() -> [UInt8] {
        withBytes { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
    }
}
