/// Trees of up to six levels, all splits of which are compared with a row at once, a byte each.
///
/// A row becomes at most 64 *codes*: for each search, in their order, one for every 254 of its thresholds. A code is how many of
/// these the value has passed, or 255 when the value is missing. Each tree is filled up to a full one of five or six levels;
/// its nodes are numbered from 1 so that 2k and 2k + 1 are the children of k. Node k goes right when its code + shift, mod 256,
/// is at least its rank: a shift of 1 makes 0 of a missing value, which then goes left. Below a leaf all nodes go right, so that
/// its value stands at the last of the places under it.
struct ComparisonTable {
    static let levelLimit = 6
    static let codeLimit = 64
    private static let thresholdsPerCode = 254

    let levels: Int
    /// Codes of a row.
    let codeCount: Int
    /// For each tree the places of its nodes' codes, then their shifts, then their ranks, 2^levels bytes each.
    private(set) var splits: [UInt8] = []
    /// The word of each leaf, 2^levels for each tree, from left to right; nil where no walk ends.
    private(set) var leaves: [Int?] = []
    private let layout: WordLayout
    /// For each slot its first code, and whether missing values go right.
    private let slots: [(code: Int, isMissingRight: Bool)]

    /// Nil for what has no such table: deeper trees, categorical splits, or more codes.
    ///
    /// - Parameter searches: made only where there may be one.
    init?(
        depths: some Collection<UInt32>, _ layout: WordLayout, _ searches: @autoclosure () -> SearchTable,
        slotCount: Int, numericalSlotCount: Int
    ) {
        // A search has a code at least, and serves two slots at most.
        guard let deepest = depths.max(), deepest <= Self.levelLimit, slotCount == numericalSlotCount,
            slotCount <= 2 * Self.codeLimit
        else { return nil }
        var slots = [(code: Int, isMissingRight: Bool)](repeating: (0, false), count: slotCount)
        var code = 0
        for search in searches().searches {
            slots[Int(search.slots.1)] = (code, search.fills.1 != 0)
            slots[Int(search.slots.0)] = (code, search.fills.0 != 0)
            code += (Int(search.thresholdCount) + Self.thresholdsPerCode - 1) / Self.thresholdsPerCode
            guard code <= Self.codeLimit else { return nil }
        }
        self.slots = slots
        self.layout = layout
        codeCount = code
        levels = max(Int(deepest), Self.levelLimit - 1)
    }

    /// - Parameter word: The word at an index; checked, so that the tree is one and no deeper than the deepest.
    mutating func append(firstWord: Int, _ word: (Int) -> UInt64) {
        let width = 1 << levels
        let (first, firstLeaf) = (splits.count, leaves.count)
        splits += repeatElement(0, count: 3 * width)
        leaves += repeatElement(nil, count: width)
        func visit(_ position: Int, node: Int, level: Int) {
            let value = word(firstWord + position)
            let rank = layout.rank(value)
            guard rank != 0 else {
                let last = (node + 1) << (levels - level) - 1
                return leaves[firstLeaf + last - width] = firstWord + position
            }
            let slot = slots[layout.slot(value)]
            let before = (rank - 1) / Self.thresholdsPerCode
            let shift = slot.isMissingRight ? 0 : 1
            splits[first + node] = UInt8(slot.code + before)
            splits[first + width + node] = UInt8(shift)
            splits[first + 2 * width + node] = UInt8(rank - before * Self.thresholdsPerCode + shift)
            visit(layout.child(value), node: 2 * node, level: level + 1)
            visit(layout.child(value) + 1, node: 2 * node + 1, level: level + 1)
        }
        visit(0, node: 1, level: 0)
    }
}
