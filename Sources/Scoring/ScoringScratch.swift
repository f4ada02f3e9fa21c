import ModelImage

/// Memory that scoring works in. One for each thread; it grows to what the largest image has needed and is then reused.
@safe package final class ScoringScratch {
    // Invariant: all are owned, hold what their capacity says and a vector more, and start at a multiple of 64.
    private(set) var slots: UnsafeMutablePointer<UInt32>
    private(set) var leaves: UnsafeMutablePointer<UInt32>
    /// What the vector kernels note while they walk.
    private(set) var order: UnsafeMutablePointer<UInt32>
    private(set) var row: UnsafeMutableRawPointer
    private(set) var sums: UnsafeMutablePointer<Double>
    /// The buffers of a network, and behind them the rows where they are not floats already.
    private(set) var workspace: UnsafeMutablePointer<Float>
    private var slotCapacity = 0
    private var leafCapacity = 0
    private var orderCapacity = 0
    private var featureCapacity = 0
    private var sumCapacity = 0
    private var workspaceCapacity = 0

    package init() {
        unsafe slots = Self.allocate(64).assumingMemoryBound(to: UInt32.self)
        unsafe leaves = Self.allocate(64).assumingMemoryBound(to: UInt32.self)
        unsafe order = Self.allocate(64).assumingMemoryBound(to: UInt32.self)
        unsafe row = Self.allocate(64)
        unsafe sums = Self.allocate(64).assumingMemoryBound(to: Double.self)
        unsafe workspace = Self.allocate(64).assumingMemoryBound(to: Float.self)
    }

    deinit {
        unsafe slots.deallocate()
        unsafe leaves.deallocate()
        unsafe order.deallocate()
        unsafe row.deallocate()
        unsafe sums.deallocate()
        unsafe workspace.deallocate()
    }

    /// Makes room for images like this one, so that scoring need not.
    package func reserve(for scorer: Scorer) {
        reserve(
            slots: max(scorer.image.slotCount, Scorer.codeBytes / 4) * scorer.rowsPerBlock,
            leaves: scorer.image.treeCount * Scorer.rowsPerGroup,
            order: 2 * (scorer.image.treeCount + 16),
            // A factorization machine keeps two float32 for each factor where others keep the row.
            features: max(scorer.featureCount + scorer.image.computed.columnCount, scorer.image.factorStride),
            sums: scorer.marginCount * scorer.rowsPerBlock)
        if scorer.image.isNetwork { reserve(workspace: scorer.network.floatCount(featureCount: scorer.featureCount)) }
    }

    private func reserve(workspace floatCount: Int) {
        guard floatCount > workspaceCapacity else { return }
        unsafe workspace.deallocate()
        unsafe workspace = Self.allocate(floatCount * 4).assumingMemoryBound(to: Float.self)
        workspaceCapacity = floatCount
    }

    private func reserve(
        slots slotCount: Int, leaves leafCount: Int, order orderCount: Int, features: Int, sums sumCount: Int
    ) {
        if slotCount > slotCapacity {
            unsafe slots.deallocate()
            unsafe slots = Self.allocate(slotCount * 4).assumingMemoryBound(to: UInt32.self)
            slotCapacity = slotCount
        }
        if leafCount > leafCapacity {
            unsafe leaves.deallocate()
            unsafe leaves = Self.allocate(leafCount * 4).assumingMemoryBound(to: UInt32.self)
            leafCapacity = leafCount
        }
        if orderCount > orderCapacity {
            unsafe order.deallocate()
            unsafe order = Self.allocate(orderCount * 4).assumingMemoryBound(to: UInt32.self)
            orderCapacity = orderCount
        }
        if features > featureCapacity {
            unsafe row.deallocate()
            unsafe row = Self.allocate(features * 8)
            featureCapacity = features
        }
        if sumCount > sumCapacity {
            unsafe sums.deallocate()
            unsafe sums = Self.allocate(sumCount * 8).assumingMemoryBound(to: Double.self)
            sumCapacity = sumCount
        }
    }

    /// Room for one vector more than asked for: kernels may read and write a whole one at the end.
    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount + 64, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount + 64)
        return unsafe memory
    }
}
