import CRocksDB

/// Sets the C library's allocator up for buffers of a megabyte, for the whole process.
package func tuneMemoryForChunks() {
    crocks_tune_allocator()
}
