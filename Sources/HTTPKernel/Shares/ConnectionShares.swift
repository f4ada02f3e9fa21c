/// What the connections of a server may take of its process: one account of memory and one of descriptors.
///
/// Where a server has none (the executor's clients are bounded by its own limits), `HTTPLimits` alone bounds each connection.
package struct ConnectionShares: Sendable {
    package let memory: MemoryAccount
    package let descriptors: DescriptorAccount

    package init(memory: MemoryAccount, descriptors: DescriptorAccount) {
        self.memory = memory
        self.descriptors = descriptors
    }
}
