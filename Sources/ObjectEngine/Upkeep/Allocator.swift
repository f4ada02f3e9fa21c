import RocksKit

/// Sets the C library's allocator up for buffers of a chunk's size; once a process.
///
/// By default each of them is mapped anew and given back, which costs four times the copying itself.
private let tuned: Void = tuneMemoryForChunks()

func tuneAllocator() { tuned }

extension StorageEngine {
    /// Gives memory that nobody uses back to the system. Blocks for milliseconds when there is much.
    package static func giveBackMemory() { trimMemory() }
}
