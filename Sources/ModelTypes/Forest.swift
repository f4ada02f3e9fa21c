/// Trees whose leaves add up to the margins of a row, in the types and the order of the library that grew them.
///
/// A value of this type is sound: init checks that every tree is a tree, that every index is in range and that every number
/// is one of the types that the forest says it computes in.
package struct Forest: Hashable, Sendable {
    package enum Comparison: UInt8, Hashable, Sendable {
        /// Left when value < threshold (XGBoost).
        case less = 1
        /// Left when value ≤ threshold (LightGBM).
        case lessOrEqual = 2
    }

    /// How a feature's number names a category.
    package enum CategoryRule: UInt8, Hashable, Sendable {
        /// Cut to an integer; below 0, and from 16,777,215 on, it names none (XGBoost, `common/categorical.h`).
        case nonNegative = 1
        /// Cut to a 32-bit integer; what is then below 0 names none, so -0.5 names category 0 (LightGBM, `tree.h`).
        case truncated = 2
    }

    package struct Tree: Hashable, Sendable {
        /// The tree's nodes; the first is the root.
        package let nodes: [TreeNode]
        /// Which margin the tree adds to.
        package let margin: Int

        package init(nodes: [TreeNode], margin: Int) {
            self.nodes = nodes
            self.margin = margin
        }
    }

    package let featureCount: Int
    /// The type that features and thresholds are compared in.
    package let inputType: NumberType
    /// The type that leaves are added in, one by one, in the order of the trees.
    package let accumulator: NumberType
    package let comparison: Comparison
    package let categoryRule: CategoryRule
    package let trees: [Tree]
    /// Sets of categories, 32 to a word, the least significant bit first.
    package let categorySets: [[UInt32]]
    /// What each margin starts from, before the first tree.
    package let startValues: [Double]
    /// What margins are divided by before the output transform: 1, or the number of rounds where trees are averaged.
    /// The margins themselves are sums, as LightGBM's raw scores are.
    package let divisor: Double
    /// What turns each sum into its margin: margin = scale · sum + bias, both rounded in the accumulator's type (CatBoost).
    package let scale: Double
    /// One bias for each margin, or none at all: then nothing is added behind the trees.
    package let biases: [Double]
    /// What nodes ask beside the row's features, by numbers from `featureCount` on.
    package let computed: ComputedFeatures

    /// - Throws: ``ForestError`` with the first tree and node at fault.
    package init(
        featureCount: Int, inputType: NumberType, accumulator: NumberType, comparison: Comparison,
        categoryRule: CategoryRule, trees: [Tree], categorySets: [[UInt32]], startValues: [Double], divisor: Double = 1,
        scale: Double = 1, biases: [Double] = [], computed: ComputedFeatures = .none
    ) throws(ForestError) {
        guard !startValues.isEmpty else { throw .noMargin }
        guard biases.isEmpty || biases.count == startValues.count else { throw .biasCount(biases.count) }
        guard scale.isFinite, biases.allSatisfy(\.isFinite), accumulator.holds(scale),
            biases.allSatisfy(accumulator.holds)
        else { throw .scaleOrBias }
        // Categories are numbers that float32 does not hold.
        guard computed.isEmpty || inputType == .float64 else { throw .computedFeatures(projection: -1) }
        if let fault = computed.firstFault(featureCount: featureCount) { throw .computedFeatures(projection: fault) }
        self.featureCount = featureCount
        self.inputType = inputType
        self.accumulator = accumulator
        self.comparison = comparison
        self.categoryRule = categoryRule
        self.trees = trees
        self.categorySets = categorySets
        self.startValues = startValues
        self.divisor = divisor
        self.scale = scale
        self.biases = biases
        self.computed = computed
        for (index, tree) in trees.enumerated() { try check(tree, index) }
    }

    /// Margins per row.
    package var marginCount: Int { startValues.count }
    /// What nodes may ask: the row's features and what is computed from them.
    package var columnCount: Int { featureCount + computed.columnCount }

    private func check(_ tree: Tree, _ index: Int) throws(ForestError) {
        let nodes = tree.nodes
        guard !nodes.isEmpty else { throw .emptyTree(tree: index) }
        guard tree.margin >= 0, tree.margin < marginCount else { throw .marginOutOfRange(tree: index) }
        // Every node but the root has one parent, and the walk from the root reaches all: a tree.
        var isReached = [Bool](repeating: false, count: nodes.count)
        isReached[0] = true
        var open = [0]
        var reachedCount = 1
        while let position = open.popLast() {
            let node = nodes[position]
            try check(node, tree: index, position)
            guard node.kind != .leaf else { continue }
            for child in [Int(node.left), Int(node.right)] {
                guard child > 0, child < nodes.count else { throw .childOutOfRange(tree: index, node: position) }
                guard !isReached[child] else { throw .nodeReachedTwice(tree: index, node: child) }
                isReached[child] = true
                reachedCount += 1
                open.append(child)
            }
        }
        guard reachedCount == nodes.count else {
            throw .nodeNotReached(tree: index, node: isReached.firstIndex(of: false) ?? 0)
        }
    }

    private func check(_ node: TreeNode, tree: Int, _ position: Int) throws(ForestError) {
        switch node.kind {
        case .leaf:
            guard accumulator.holds(node.value) else { throw .leaf(tree: tree, node: position) }
            return
        case .numerical:
            guard !node.value.isNaN, inputType.holds(node.value) else { throw .threshold(tree: tree, node: position) }
        case .categorical:
            guard node.categorySet >= 0, node.categorySet < categorySets.count else {
                throw .categorySetOutOfRange(tree: tree, node: position)
            }
            guard node.missing == .nanLeft || node.missing == .nanRight else {
                throw .categoricalMissingRule(tree: tree, node: position)
            }
        }
        guard node.feature >= 0, node.feature < columnCount else {
            throw .featureOutOfRange(tree: tree, node: position)
        }
    }
}
