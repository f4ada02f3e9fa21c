import ModelTypes

/// One tree of LightGBM's text. Splits are numbered from 0; a child below zero is the leaf with the number ~child.
///
/// Source: `Tree::Tree(const char*, size_t*)` and `Tree::Decision` of LightGBM 4.7.0.
struct LightGBMTree {
    private var leafCount = 0
    private var leftChildren: [Int] = []
    private var rightChildren: [Int] = []
    private var splitFeatures: [Int] = []
    private var thresholds: [Double] = []
    private var decisions: [Int] = []
    private var leafValues: [Double] = []
    private var categoryBounds: [Int] = []
    private var categoryWords: [Int] = []
    private var isLinear = false

    /// Reads lines up to the empty one behind the tree.
    ///
    /// - Parameter number: The tree's place in the file, for refusals.
    init(_ cursor: inout ByteCursor, number: Int, limits: ModelLimits) throws(ModelFormatError) {
        var known = KnownKeys<LightGBMKeys.Tree>()
        while let (line, text) = try cursor.keyedLine(limits: limits), text.count > 0 {
            guard let line else { throw ModelFormatError(.malformed("a line without ="), at: text.origin) }
            switch try known.take(line.key, at: "Tree=\(number)", offset: line.offset) {
            case .leafCount: leafCount = try line.integer()
            case .leftChildren: leftChildren = try line.integers()
            case .rightChildren: rightChildren = try line.integers()
            case .splitFeatures: splitFeatures = try line.integers()
            case .thresholds: thresholds = try line.doubles()
            case .decisions: decisions = try line.integers()
            case .leafValues: leafValues = try line.doubles()
            case .categoryBounds: categoryBounds = try line.integers()
            case .categoryWords: categoryWords = try line.integers()
            case .isLinear: isLinear = try line.integer() != 0 || isLinear
            case .linearConstants, .linearCounts, .linearFeatures, .linearWeights: isLinear = true
            case nil: break
            }
        }
    }

    /// The tree's nodes; the category sets of its splits are added to `sets`.
    func assembled(_ sets: inout CategorySets, offset: Int) throws(ModelFormatError) -> [TreeNode] {
        func refuse(_ what: String) -> ModelFormatError { ModelFormatError(.inconsistent(what), at: offset) }
        guard !isLinear else { throw ModelFormatError(.unsupported("linear models in leaves"), at: offset) }
        guard leafCount >= 1, leafValues.count >= leafCount else { throw refuse("a tree's leaves") }
        if leafCount == 1 { return [.leaf(leafValues[0])] }
        let splitCount = leafCount - 1
        guard leftChildren.count == splitCount, rightChildren.count == splitCount, splitFeatures.count == splitCount,
            thresholds.count == splitCount, decisions.isEmpty || decisions.count == splitCount
        else { throw refuse("a tree's lines differ in length") }
        let firstSet = try addSets(&sets, offset: offset)
        // Splits keep their numbers, leaves come behind them.
        func number(_ child: Int) -> Int32 { Int32(truncatingIfNeeded: child >= 0 ? child : splitCount + ~child) }
        return try TreeAssembler.assemble(nodeCount: splitCount + leafCount, offset: offset) {
            (position) throws(ModelFormatError) in
            if position >= splitCount { return .leaf(leafValues[position - splitCount]) }
            let (left, right) = (leftChildren[position], rightChildren[position])
            guard (-leafCount..<splitCount).contains(left), (-leafCount..<splitCount).contains(right),
                let feature = Int32(exactly: splitFeatures[position])
            else { throw refuse("a split's numbers") }
            let decision = decisions.isEmpty ? 0 : decisions[position]
            if decision & 1 == 1 {
                // Members go left in the file, and right here. A missing value is no member.
                guard let set = Int(exactly: thresholds[position]), set >= 0, set < categoryBounds.count - 1 else {
                    throw refuse("a split's categories")
                }
                return .categorical(
                    feature: feature, set: firstSet + Int32(set), missing: .nanLeft, left: number(right),
                    right: number(left))
            }
            return .numerical(
                feature: feature, threshold: thresholds[position], missing: try missing(decision, offset),
                left: number(left), right: number(right))
        }
    }

    /// Bit 1: default left; bits 2 and 3: what counts as missing.
    private func missing(_ decision: Int, _ offset: Int) throws(ModelFormatError) -> MissingRule {
        let isLeft = decision & 2 != 0
        switch decision >> 2 & 3 {
        case 0: return .nanIsZero
        case 1: return isLeft ? .zeroLeft : .zeroRight
        case 2: return isLeft ? .nanLeft : .nanRight
        default: throw ModelFormatError(.malformed("a decision type"), at: offset)
        }
    }

    /// Adds the tree's sets and answers the number of the first.
    private func addSets(_ sets: inout CategorySets, offset: Int) throws(ModelFormatError) -> Int32 {
        let first = Int32(sets.words.count)
        for (start, end) in zip(categoryBounds, categoryBounds.dropFirst()) {
            guard start >= 0, start <= end, end <= categoryWords.count else {
                throw ModelFormatError(.inconsistent("a tree's categories"), at: offset)
            }
            var words: [UInt32] = []
            for word in categoryWords[start..<end] {
                guard let bits = UInt32(exactly: word) else {
                    throw ModelFormatError(.malformed("a set of categories"), at: offset)
                }
                words.append(bits)
            }
            _ = try sets.add(words: words, offset: offset)
        }
        return first
    }
}
