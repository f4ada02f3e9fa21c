package import HTTPKernel

/// How a store divides the memory and the descriptors of its process between the engine and its connections.
///
/// Numbers of Docs/Operations.md, "What a connection may hold"; a test compares them.
package struct SharePlan: Equatable, Sendable {
    /// Of all connections together, beside what each takes for being there: nine twentieths of it. The rest is for tables in memory, idle
    /// connections and the program itself.
    package let connectionBytes: Int
    package let descriptors: DescriptorAccount.Limits

    /// The memory that a store is meant to stay within unless it is told otherwise.
    package static let defaultMemoryMiB = 768
    package static let leastMemoryMiB = 128
    /// Descriptors of the engine beside its tables: log, manifest, what is being written by flushes and compactions, and those of
    /// the program; and of bodies that are copied, which are one for each thread.
    static let reservedDescriptorCount = 64
    /// Tables that uploads may be writing at once.
    static let tableCount = 64

    /// Of RocksDB's cache of blocks: a sixth of the memory.
    package static func cacheBytes(ofMemory memoryBytes: Int) -> UInt64 { UInt64(memoryBytes / 6) }

    /// - Parameters:
    ///   - memoryBytes: of the process.
    ///   - descriptorCount: that the process may have open.
    ///   - engineFileCount: those of them that the database may keep open.
    ///   - threadCount: of the engine.
    ///   - connectionCount: that the operator allows, at most.
    package init(
        memoryBytes: Int, descriptorCount: Int, engineFileCount: Int, threadCount: Int, connectionCount: Int
    ) {
        self.connectionBytes = memoryBytes / 20 * 9
        let free = max(0, descriptorCount - engineFileCount - Self.reservedDescriptorCount - threadCount)
        let tables = min(Self.tableCount, free / 8)
        let connections = max(1, min(connectionCount, free - tables))
        self.descriptors = DescriptorAccount.Limits(
            connectionCount: connections, strangerCount: max(1, connections / 4 * 3), tableCount: max(1, tables))
    }
}
