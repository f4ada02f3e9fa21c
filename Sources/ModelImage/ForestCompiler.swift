import ModelTypes

/// Turns a forest into the numbers of an image: thresholds to ranks, features to slots, trees to words.
///
/// Exactness rests on this: let t_0 < t_1 < … be the distinct thresholds of a feature. With `less`, x < t_j holds exactly
/// when fewer than j + 1 thresholds are ≤ x; with `lessOrEqual`, x ≤ t_j exactly when fewer than j + 1 are < x. So a row's
/// value becomes that count, its *rank*, by comparisons in the source's own type, and a split asks rank < j + 1. Missing
/// values become rank 0 (always left) or the number of thresholds (never left), in a slot of their own for each rule.
struct ForestCompiler {
    struct Slot: Hashable {
        let feature: Int32
        let rule: SlotRule
    }
    struct Tree {
        let firstWord: Int
        let wordCount: Int
        let margin: Int
        let depth: Int
    }

    private(set) var thresholds: [[Double]]
    private(set) var slots: [Slot] = []
    private(set) var numericalSlotCount = 0
    private(set) var layout: WordLayout
    private(set) var trees: [Tree] = []
    private(set) var words: [UInt64] = []
    private(set) var values: [Double] = []
    private var slotNumbers: [Slot: Int] = [:]

    init(_ forest: Forest) throws(ImageCompilerError) {
        var distinct = [Set<Double>](repeating: [], count: forest.columnCount)
        var used: Set<Slot> = []
        var greatestChild = 0
        for tree in forest.trees {
            greatestChild = max(greatestChild, tree.nodes.count)
            for node in tree.nodes where node.kind != .leaf {
                used.insert(Self.slot(of: node))
                // -0 and 0 compare equal and are one threshold.
                if node.kind == .numerical { distinct[Int(node.feature)].insert(node.value) }
            }
        }
        thresholds = distinct.map { $0.sorted() }
        slots = used.sorted {
            ($0.rule.isCategorical ? 1 : 0, $0.feature, $0.rule.rawValue)
                < ($1.rule.isCategorical ? 1 : 0, $1.feature, $1.rule.rawValue)
        }
        numericalSlotCount = slots.count { !$0.rule.isCategorical }
        for (number, slot) in slots.enumerated() { slotNumbers[slot] = number }
        let greatestRank = max(thresholds.map(\.count).max() ?? 0, forest.categorySets.count)
        let greatestSlot = max(slots.count - 1, 0)
        guard
            let layout = WordLayout(
                greatestChild: greatestChild, greatestSlot: greatestSlot, greatestRank: greatestRank)
        else {
            throw .nodesTooWide(greatestChild: greatestChild, greatestSlot: greatestSlot, greatestRank: greatestRank)
        }
        self.layout = layout
        for tree in forest.trees { append(tree) }
        guard words.count <= Int(Int32.max) else { throw .tooLarge("nodes") }
    }

    private static func slot(of node: TreeNode) -> Slot {
        Slot(feature: node.feature, rule: SlotRule(node.missing, isCategorical: node.kind == .categorical))
    }

    /// Levels of a block: thirty words, two cache lines of words of four bytes.
    private static let levelsPerBlock = 4

    /// Lays a tree out in blocks of a few levels, so that a walk touches a cache line or two for each; both children of a node lie
    /// side by side, behind it.
    private mutating func append(_ tree: Forest.Tree) {
        let first = words.count
        if tree.nodes.count == 1 {
            // A leaf leads to itself by the word before it, so that a single one stands twice.
            words += [layout.word(rank: 0, slot: 0, child: 0), layout.word(rank: 0, slot: 0, child: 0)]
            values += [tree.nodes[0].value, tree.nodes[0].value]
            trees.append(Tree(firstWord: first, wordCount: 2, margin: tree.margin, depth: 1))
            return
        }
        let (order, depth) = Self.blockOrder(of: tree)
        var positions = [Int](repeating: 0, count: tree.nodes.count)
        for (position, node) in order.enumerated() { positions[node] = position }
        for (position, index) in order.enumerated() {
            let node = tree.nodes[index]
            if node.kind == .leaf {
                // Rank 0 is below no row's rank, so the walk goes to child + 1: here again.
                words.append(layout.word(rank: 0, slot: 0, child: position - 1))
                values.append(node.value)
            } else {
                words.append(
                    layout.word(
                        rank: rank(of: node), slot: slotNumbers[Self.slot(of: node)]!,
                        child: positions[Int(node.left)]))
                values.append(0)
            }
        }
        trees.append(Tree(firstWord: first, wordCount: order.count, margin: tree.margin, depth: depth))
    }

    /// The nodes in the order of their words, and the depth of the deepest leaf.
    private static func blockOrder(of tree: Forest.Tree) -> (order: [Int], depth: Int) {
        var order = [0]
        var blocks = [(node: 0, depth: 0)]
        var block = 0
        var deepest = 0
        while block < blocks.count {
            var level = [blocks[block].node]
            var depth = blocks[block].depth
            for _ in 0..<levelsPerBlock where !level.isEmpty {
                depth += 1
                deepest = max(deepest, depth)
                var next: [Int] = []
                for node in level {
                    for child in [Int(tree.nodes[node].left), Int(tree.nodes[node].right)] {
                        order.append(child)
                        if tree.nodes[child].kind != .leaf { next.append(child) }
                    }
                }
                level = next
            }
            blocks += level.map { (node: $0, depth: depth) }
            block += 1
        }
        return (order, deepest)
    }

    private func rank(of node: TreeNode) -> Int {
        if node.kind == .categorical { return Int(node.categorySet) + 1 }
        let sorted = thresholds[Int(node.feature)]
        var (low, high) = (0, sorted.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < node.value { low = middle + 1 } else { high = middle }
        }
        return low + 1
    }
}
