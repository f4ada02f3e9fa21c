/// Trees of up to 64 leaves as bit vectors, for a scan over all splits instead of a walk.
///
/// A tree's leaves are numbered from left to right, eight to a byte. A split that a row passes to the right rules out the leaves
/// on its left, and the row's leaf is the first that no split rules out. An entry is a split in a byte of leaves: the slot, the
/// rank and the leaves ruled out, a byte each from the least significant. The entries of a tree stand byte by byte of its leaves,
/// from the last to the first.
/// - Source: QuickScorer (Lucchese et al., SIGIR 2015); bytes as in RapidScorer (Ye et al., KDD 2018).
struct ScanTable {
    static let leafLimit = 64

    /// Where the entries of each byte of each tree's leaves start; one more at the end.
    private(set) var starts: [UInt32] = []
    private(set) var entries: [UInt32] = []
    /// The word of each leaf, tree by tree.
    private(set) var leaves: [Int] = []
    private let layout: WordLayout

    /// Whether an image has a scan: small trees of numerical splits, and slots and ranks of a byte.
    static func fits(
        wordCounts: some Collection<Int>, _ layout: WordLayout, slotCount: Int, numericalSlotCount: Int,
        greatestRank: Int
    ) -> Bool {
        !wordCounts.isEmpty && layout.byteCount == 4 && slotCount == numericalSlotCount && slotCount <= 256
            && greatestRank <= 255 && wordCounts.allSatisfy { $0 < 2 * leafLimit }
    }

    init(_ layout: WordLayout) { self.layout = layout }

    /// - Parameter word: The word at an index; checked, so that the tree is one.
    mutating func append(firstWord: Int, _ word: (Int) -> UInt64) {
        var splits: [(entry: UInt32, ruledOut: UInt64)] = []
        let firstLeaf = leaves.count
        // No deeper than a tree of 64 leaves.
        func visit(_ position: Int) {
            let value = word(firstWord + position)
            guard layout.rank(value) != 0 else { return leaves.append(firstWord + position) }
            let low = leaves.count - firstLeaf
            visit(layout.child(value))
            let high = leaves.count - firstLeaf
            let ruledOut = ((1 as UInt64) << UInt64(high - low) - 1) << UInt64(low)
            splits.append((UInt32(layout.slot(value) | layout.rank(value) << 8), ruledOut))
            visit(layout.child(value) + 1)
        }
        visit(0)
        let byteCount = (leaves.count - firstLeaf + 7) / 8
        for byte in (0..<byteCount).reversed() {
            starts.append(UInt32(entries.count))
            for split in splits {
                let mask = UInt32(truncatingIfNeeded: split.ruledOut >> UInt64(8 * byte)) & 0xFF
                if mask != 0 { entries.append(split.entry | mask << 16) }
            }
        }
    }

    mutating func finish() { starts.append(UInt32(entries.count)) }
}
