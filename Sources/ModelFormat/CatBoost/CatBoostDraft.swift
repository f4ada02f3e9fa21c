import ModelTypes
import Names

/// What CatBoost's two formats say, gathered before it is checked as a whole.
///
/// Source: `catboost/libs/model/model.h`, `cpu/quantization.h`, `cpu/evaluator_impl.cpp` and `scale_and_bias.cpp` of CatBoost
/// 1.2. The library counts for each feature how many borders its value, a float32, is above; a split asks whether one of them
/// is among these. ``CatBoostColumns`` has what it makes of categories. Leaves are added in float64 in the order of the trees from 0,
/// then comes scale · sum + bias.
struct CatBoostDraft {
    struct FloatFeature {
        /// The number that splits know the feature by.
        var index = -1
        /// The column.
        var flatIndex = -1
        var name = ""
        var hasNaNs = false
        var isNaNGreatest = false
    }

    struct CategoryFeature {
        /// The number that splits know the feature by.
        var index = -1
        /// The column.
        var flatIndex = -1
        var name = ""
        /// The categories that splits may ask for, by their hashes.
        var values: [UInt32] = []
    }

    /// Right when the answer is yes.
    enum Split {
        /// Is the feature's value above the border?
        case above(feature: Int, border: Float)
        /// Is it this category?
        case category(feature: Int, category: UInt32)
        /// Is the statistic with this number above the border?
        case statistic(number: Int, border: Float)
    }

    struct Node {
        /// Children and split by their numbers; of a leaf -1.
        var left: Int32 = -1
        var right: Int32 = -1
        var split: Int32 = -1
        /// Of a leaf, where its first value lies in the tree's leaves.
        var firstValue = -1
    }

    struct Tree {
        /// An oblivious tree asks split d for bit d of its leaf's number; other trees have nodes.
        var splits: [Split] = []
        /// A value for each margin, leaf after leaf.
        var leaves: [Double] = []
        var nodes: [Node] = []
        var isOblivious = true
    }

    var features: [FloatFeature] = []
    var categories: [CategoryFeature] = []
    var statistics: [CatBoostStatistic] = []
    /// By what the statistics call them.
    var tables: [Name: CatBoostTable] = [:]
    /// Columns of all kinds, so that unused ones count: flat index and name.
    var columns: [(flatIndex: Int, name: String)] = []
    var trees: [Tree] = []
    var scale = 1.0
    var biases: [Double] = []
    var loss: String?
    var writerVersion = ""

    func description(
        format: ModelSource.Format, limits: ModelLimits, offset: Int
    ) throws(ModelFormatError) -> ModelDescription {
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError { ModelFormatError(reason, at: offset) }
        guard let first = trees.first else { throw refuse(.inconsistent("a model without trees")) }
        let marginCount = leafWidth(of: first)
        guard marginCount > 0, marginCount <= limits.maxMarginCount else { throw refuse(.inconsistent("leaf values")) }
        guard trees.count <= limits.maxTreeCount / marginCount else { throw refuse(.tooLarge("trees")) }
        guard let loss = CatBoostLoss(name: loss ?? "") else {
            throw refuse(.unsupported("loss function \((loss ?? "").prefix(64))"))
        }
        let names = try featureNames(limits: limits, offset: offset)
        let columns = try CatBoostColumns(self, featureCount: names.count, limits: limits, offset: offset)
        var grown: [Forest.Tree] = []
        for tree in trees {
            // A tree for each margin: they share the splits and differ in their leaves.
            for margin in 0..<marginCount {
                let nodes = try assembled(tree, margin, of: marginCount, columns, offset: offset)
                grown.append(Forest.Tree(nodes: nodes, margin: margin))
            }
        }
        let biases = try spread(biases, marginCount, offset: offset)
        let forest: Forest
        do throws(ForestError) {
            forest = try Forest(
                featureCount: names.count, inputType: columns.inputType, accumulator: .float64,
                comparison: .lessOrEqual, categoryRule: .nonNegative, trees: grown, categorySets: [],
                startValues: Array(repeating: 0, count: marginCount), scale: scale, biases: biases,
                computed: columns.computed)
        } catch { throw refuse(.forest(error)) }
        return ModelDescription(
            predictor: .forest(forest), featureNames: names, transform: loss.transform(marginCount: marginCount),
            objective: loss.name, bestIteration: nil, source: ModelSource(format: format, writerVersion: writerVersion))
    }

    private func leafWidth(of tree: Tree) -> Int {
        let leafCount = tree.isOblivious ? 1 << min(tree.splits.count, 32) : tree.nodes.count { $0.split < 0 }
        return leafCount > 0 && tree.leaves.count.isMultiple(of: leafCount) ? tree.leaves.count / leafCount : 0
    }

    /// Biases that change nothing are left out, as the library leaves them out; a single one is for every margin.
    private func spread(_ biases: [Double], _ marginCount: Int, offset: Int) throws(ModelFormatError) -> [Double] {
        if biases.allSatisfy({ $0 == 0 }) { return [] }
        if biases.count == 1 { return Array(repeating: biases[0], count: marginCount) }
        guard biases.count == marginCount else { throw ModelFormatError(.inconsistent("biases"), at: offset) }
        return biases
    }

    /// The names of all columns; a column without one is called by its number, as the library calls it.
    private func featureNames(limits: ModelLimits, offset: Int) throws(ModelFormatError) -> [String] {
        var greatest = -1
        for column in columns {
            guard column.flatIndex >= 0, column.flatIndex < limits.maxFeatureCount else {
                throw ModelFormatError(.tooLarge("features"), at: offset)
            }
            greatest = max(greatest, column.flatIndex)
        }
        var names = (0..<greatest + 1).map { "\($0)" }
        for column in columns where !column.name.isEmpty { names[column.flatIndex] = column.name }
        return names
    }

    // MARK: Trees

    private func assembled(
        _ tree: Tree, _ margin: Int, of marginCount: Int, _ columns: CatBoostColumns, offset: Int
    ) throws(ModelFormatError) -> [TreeNode] {
        guard leafWidth(of: tree) == marginCount else {
            throw ModelFormatError(.inconsistent("leaf values"), at: offset)
        }
        if tree.isOblivious {
            // Numbered like a heap from 0, the last split first, so that leaves come in the order of their numbers.
            let depth = tree.splits.count
            let splitCount = 1 << depth - 1
            return try TreeAssembler.assemble(nodeCount: 2 * splitCount + 1, offset: offset) {
                (number) throws(ModelFormatError) in
                if number >= splitCount { return .leaf(tree.leaves[(number - splitCount) * marginCount + margin]) }
                let level = Int.bitWidth - 1 - (number + 1).leadingZeroBitCount
                return try columns.node(
                    of: tree.splits[depth - 1 - level], left: Int32(2 * number + 1), right: Int32(2 * number + 2))
            }
        }
        return try TreeAssembler.assemble(nodeCount: tree.nodes.count, offset: offset) {
            (number) throws(ModelFormatError) in
            let node = tree.nodes[number]
            if node.split < 0 { return .leaf(tree.leaves[node.firstValue + margin]) }
            return try columns.node(of: tree.splits[Int(node.split)], left: node.left, right: node.right)
        }
    }
}
