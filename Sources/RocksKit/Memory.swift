import CRocksDB

/// Sets the C library's allocator up for buffers of a megabyte, for the whole process.
package func tuneMemoryForChunks() {
    crocks_tune_allocator()
}

/// Gives what the C library's allocator holds and nobody uses back to the system. Each arena is locked while it is gone through.
package func trimMemory() {
    crocks_trim_allocator()
}
