import ModelTypes

/// The trees of `TreeEnsembleRegressor` and `TreeEnsembleClassifier` as a forest of splits that all compare alike.
///
/// Comparisons are float32, so each mode becomes the forest's own exactly: x < t is x ≤ the number below t; > and ≥ swap the
/// children; = and ≠ are two splits, of which one branch stands twice. A NaN takes the true branch where the node says so, else the
/// branch of a comparison that is false.
struct ONNXTreeEnsemble {
    private enum Mode {
        case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual, leaf

        init?(_ text: String) {
            switch text {
            case "BRANCH_LEQ": self = .lessOrEqual
            case "BRANCH_LT": self = .less
            case "BRANCH_GTE": self = .greaterOrEqual
            case "BRANCH_GT": self = .greater
            case "BRANCH_EQ": self = .equal
            case "BRANCH_NEQ": self = .notEqual
            case "LEAF": self = .leaf
            default: return nil
            }
        }
    }

    private struct Node {
        let mode: Mode
        let feature: Int32
        let scale: ONNXScale?
        let value: Float
        let trueChild: Int
        let falseChild: Int
        let isTrueWhenMissing: Bool
        /// What a leaf adds, and to which target.
        var weights: [(target: Int, weight: Float)] = []
    }

    private let node: ONNXNode
    private var nodes: [Node] = []
    /// Each tree's first node, which is its root, and how many it has.
    private var trees: [(root: Int, count: Int)] = []
    let comparison: Forest.Comparison
    /// All targets that some leaf adds to.
    private(set) var targets: Set<Int> = []
    private(set) var hasNegativeWeight = false
    var treeCount: Int { trees.count }

    /// - Parameters:
    ///   - prefix: What the attributes of weights begin with: `target` or `class`.
    ///   - features: The feature in each column.
    ///   - scales: What lies between feature and column; empty where nothing does.
    init(
        _ node: ONNXNode, prefix: String, targetCount: Int, features: [Int32], scales: [ONNXScale]
    ) throws(ModelFormatError) {
        self.node = node
        for name in ["nodes_values_as_tensor", "\(prefix)_weights_as_tensor", "base_values_as_tensor"]
        where node.has(name) {
            throw node.unsupported("float64 values")
        }
        let treeNumbers = node.integers("nodes_treeids")
        let count = treeNumbers.count
        let (numbers, modes) = (node.integers("nodes_nodeids"), node.texts("nodes_modes"))
        let (featureNumbers, values) = (node.integers("nodes_featureids"), node.floats("nodes_values"))
        let (trueNumbers, falseNumbers) = (node.integers("nodes_truenodeids"), node.integers("nodes_falsenodeids"))
        let missing = node.integers("nodes_missing_value_tracks_true")
        guard count > 0,
            [numbers.count, modes.count, featureNumbers.count, values.count, trueNumbers.count, falseNumbers.count]
                .allSatisfy({ $0 == count }), missing.isEmpty || missing.count == count
        else { throw node.inconsistent("the lengths of the attributes") }
        struct Name: Hashable {
            let tree: Int
            let node: Int
        }
        var indices: [Name: Int] = [:]
        var seenTrees: Set<Int> = []
        for index in 0..<count {
            if index == 0 || treeNumbers[index] != treeNumbers[index - 1] {
                guard seenTrees.insert(treeNumbers[index]).inserted else {
                    throw node.unsupported("nodes of a tree in two places")
                }
                trees.append((index, 0))
            }
            trees[trees.count - 1].count += 1
            guard indices.updateValue(index, forKey: Name(tree: treeNumbers[index], node: numbers[index])) == nil else {
                throw node.inconsistent("a node that is given twice")
            }
        }
        var isInclusive = false
        for index in 0..<count {
            guard let mode = Mode(modes[index]) else { throw node.unsupported("mode \(modes[index].prefix(64))") }
            if mode != .less, mode != .greaterOrEqual, mode != .leaf { isInclusive = true }
            guard mode == .leaf || features.indices.contains(featureNumbers[index]) else {
                throw node.inconsistent("a feature's number")
            }
            func child(_ number: Int) throws(ModelFormatError) -> Int {
                guard mode != .leaf else { return -1 }
                guard let child = indices[Name(tree: treeNumbers[index], node: number)] else {
                    throw node.inconsistent("a child that is not in its tree")
                }
                return child
            }
            nodes.append(
                Node(
                    mode: mode, feature: mode == .leaf ? -1 : features[featureNumbers[index]],
                    scale: mode == .leaf || scales.isEmpty ? nil : scales[featureNumbers[index]], value: values[index],
                    trueChild: try child(trueNumbers[index]), falseChild: try child(falseNumbers[index]),
                    isTrueWhenMissing: !missing.isEmpty && missing[index] == 1))
        }
        comparison = isInclusive ? .lessOrEqual : .less
        let weightTrees = node.integers("\(prefix)_treeids")
        let weightNodes = node.integers("\(prefix)_nodeids")
        let weightTargets = node.integers("\(prefix)_ids")
        let weights = node.floats("\(prefix)_weights")
        guard [weightNodes.count, weightTargets.count, weights.count].allSatisfy({ $0 == weightTrees.count }) else {
            throw node.inconsistent("the lengths of the attributes")
        }
        for index in weights.indices {
            guard let leaf = indices[Name(tree: weightTrees[index], node: weightNodes[index])],
                (0..<targetCount).contains(weightTargets[index])
            else { throw node.inconsistent("a weight's place") }
            guard nodes[leaf].mode == .leaf else { throw node.unsupported("weights inside trees") }
            guard nodes[leaf].weights.allSatisfy({ $0.target != weightTargets[index] }) else {
                throw node.unsupported("several weights of a leaf for one target")
            }
            nodes[leaf].weights.append((weightTargets[index], weights[index]))
            targets.insert(weightTargets[index])
            if !(weights[index] >= 0) { hasNegativeWeight = true }
        }
    }

    /// Whether every leaf adds to this target.
    func isComplete(for target: Int) -> Bool {
        nodes.allSatisfy { $0.mode != .leaf || $0.weights.contains { $0.target == target } }
    }

    /// The trees, each as often as there are targets that it adds to; in their order.
    func forestTrees(limits: ModelLimits) throws(ModelFormatError) -> [Forest.Tree] {
        var result: [Forest.Tree] = []
        // What is written out several times must stay a small multiple of what the file holds: a leaf has a weight for each class.
        var budget = 16 * nodes.count + 8 * nodes.reduce(0) { $0 + $1.weights.count } + 1024
        for tree in trees {
            let named = Set(nodes[tree.root..<tree.root + tree.count].flatMap { $0.weights.map(\.target) })
            for target in named.sorted() {
                guard result.count < limits.maxTreeCount else {
                    throw ModelFormatError(.tooLarge("trees"), at: node.offset)
                }
                result.append(Forest.Tree(nodes: try treeNodes(tree.root, target, &budget), margin: target))
            }
        }
        return result
    }

    /// Breadth first from the root. A child that two nodes share is written twice; a cycle runs out of the budget.
    private func treeNodes(_ root: Int, _ target: Int, _ budget: inout Int) throws(ModelFormatError) -> [TreeNode] {
        /// A node of the file, or the second split of one that asks for equality.
        struct Open {
            let index: Int
            var isSecondSplit = false
        }
        var result: [TreeNode] = []
        var open = [Open(index: root)]
        while result.count < open.count {
            guard open.count <= budget else {
                throw node.unsupported("nodes with several parents, or many that ask for equality,")
            }
            let item = open[result.count]
            let current = nodes[item.index]
            if current.mode == .leaf {
                let weight = current.weights.first { $0.target == target }?.weight ?? 0
                guard !weight.isNaN else { throw node.inconsistent("a leaf's weight") }
                result.append(.leaf(Double(weight)))
                continue
            }
            let split = try split(current, isSecond: item.isSecondSplit)
            result.append(
                .numerical(
                    feature: current.feature,
                    threshold: Double(current.scale?.threshold(for: split.threshold, comparison) ?? split.threshold),
                    missing: split.isLeftWhenMissing ? .nanLeft : .nanRight, left: Int32(open.count),
                    right: Int32(open.count + 1)))
            for child in [split.left, split.right] {
                open.append(child.map { Open(index: $0) } ?? Open(index: item.index, isSecondSplit: true))
            }
        }
        budget -= open.count
        return result
    }

    private struct Split {
        let threshold: Float
        /// Nil leads to the second split of the same node.
        let left: Int?
        let right: Int?
        let isLeftWhenMissing: Bool
    }

    private func split(_ current: Node, isSecond: Bool) throws(ModelFormatError) -> Split {
        let (yes, no, tracks) = (current.trueChild, current.falseChild, current.isTrueWhenMissing)
        switch current.mode {
        case .lessOrEqual: return Split(threshold: current.value, left: yes, right: no, isLeftWhenMissing: tracks)
        case .greater: return Split(threshold: current.value, left: no, right: yes, isLeftWhenMissing: !tracks)
        case .less:
            return Split(threshold: try strict(current.value), left: yes, right: no, isLeftWhenMissing: tracks)
        case .greaterOrEqual:
            return Split(threshold: try strict(current.value), left: no, right: yes, isLeftWhenMissing: !tracks)
        default:
            // First x ≤ t, then x < t: between the two lies equality. NaN equals nothing.
            let (same, other) = current.mode == .equal ? (yes, no) : (no, yes)
            let isSame = current.mode == .equal && tracks
            return isSecond
                ? Split(threshold: try strict(current.value), left: other, right: same, isLeftWhenMissing: !isSame)
                : Split(threshold: current.value, left: nil, right: other, isLeftWhenMissing: isSame)
        }
    }

    /// The threshold that makes the forest's comparison `<`.
    private func strict(_ value: Float) throws(ModelFormatError) -> Float {
        guard comparison == .lessOrEqual else { return value }
        guard value > -.infinity else { throw node.unsupported("a threshold of -infinity") }
        return value.nextDown
    }
}
