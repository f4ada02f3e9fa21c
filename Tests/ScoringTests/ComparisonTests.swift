import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// Trees of up to six levels, all splits of which are compared at once.
@Suite(.timeLimit(.minutes(3))) struct ComparisonTests {
    /// Features and thresholds that need one to four vectors of codes, and features that need several codes each.
    @Test(arguments: [(1, 3), (3, 600), (15, 40), (33, 90), (40, 300), (64, 50)])
    func comparisonsEqualTheReferenceToTheBit(featureCount: Int, thresholdCount: Int) throws {
        var random = SeededGenerator.printed()
        for deepest in 0...6 {
            let grown = try ShallowForest(featureCount, thresholdCount, deepest: deepest, &random)
            let rowCount = [1, 2, 19, 33, 140].randomElement(using: &random)!
            let rows = grown.rows(rowCount, &random)
            let reference = ReferenceWalker(model(grown.forest))
            let expected = (0..<rowCount).flatMap {
                reference.margins(Array(rows[$0 * featureCount..<($0 + 1) * featureCount]))
            }
            for kernels in KernelSet.allCases {
                let image = try LoadedImage(model(grown.forest), kernels: kernels)
                #expect(image.view.comparisons?.levels == max(deepest, 5))
                let found = image.margins(rows, rowCount: rowCount)
                #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(kernels), depth \(deepest)")
            }
        }
    }

    /// Both sides of the last threshold of a code and of the first of the next, and missing values, by each rule.
    @Test(arguments: MissingRule.allCases) func codesMeetWithoutAGap(missing: MissingRule) throws {
        let trees = (0..<763).map { stump(threshold: Double($0), missing: missing) }
        let image = try LoadedImage(model(oneFeatureForest(trees)))
        #expect(image.view.comparisons?.codeCount == 4)
        let passed = (0..<763).map(Double.init) + [-1, 1e30]
        let expected = (1...763).map(Double.init) + [0, 763]
        for (value, expected) in zip(passed, expected) where value != 0 {
            #expect(image.margins([value] as [Double], rowCount: 1) == [expected])
        }
        let ofNaN: Double =
            switch missing {
            case .nanLeft, .zeroLeft: 0
            case .nanRight, .zeroRight: 763
            case .nanIsZero: 1
            }
        #expect(image.margins([.nan] as [Double], rowCount: 1) == [ofNaN])
    }

    /// Each way of scoring has a table of its own: what stands in the one of comparisons is what few rows get, and no more than those.
    @Test(.enabled(if: KernelSet.ofProcessor >= .avx2)) func fewRowsAreCompared() throws {
        let bytes = try ImageCompiler.compile(
            model(oneFeatureForest([stump(threshold: 0)])), artifactDigest: Array(repeating: 0, count: 32))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        let view = try ModelImageView(validating: UnsafeRawBufferPointer(memory))
        // An image must not change once it is validated, save for a test that wants to know where an answer comes from.
        let values = try #require(view.comparisons).values
        let leaves = UnsafeMutableRawBufferPointer(mutating: values).assumingMemoryBound(to: Float.self)
        for index in leaves.indices { leaves[index] = 7 }
        func margins(_ rowCount: Int, _ kernels: KernelSet) -> Set<Double> {
            var margins = [Double](repeating: .nan, count: rowCount)
            var target = margins.mutableSpan
            let rows = [Double](repeating: 1, count: rowCount)
            Scorer(view, kernels: kernels).margins(
                rows.span, rowCount: rowCount, into: &target, scratch: ScoringScratch())
            return Set(margins)
        }
        #expect(margins(1, .avx2) == [7] && margins(19, .avx2) == [7])
        // A scan has the first 32 rows, comparisons the one that is left.
        #expect(margins(32, .avx2) == [1] && margins(33, .avx2) == [1, 7])
        #expect(margins(1, .portable) == [1])
    }

    @Test func deepTreesManyCodesAndCategoriesAreNotCompared() throws {
        var random = SeededGenerator.printed()
        func hasComparisons(_ featureCount: Int, deepest: Int) throws -> Bool {
            let grown = try ShallowForest(featureCount, 200, deepest: deepest, &random, asksAll: true)
            return try LoadedImage(model(grown.forest)).view.comparisons != nil
        }
        #expect(try hasComparisons(64, deepest: 6))
        #expect(try !hasComparisons(65, deepest: 6))
        #expect(try !hasComparisons(64, deepest: 7))
        #expect(try LoadedImage(model(oneFeatureForest([categoricalStump], sets: [[1]]))).view.comparisons == nil)
    }
}

/// Trees of random shape, the first of which is as deep as asked.
private struct ShallowForest {
    let forest: Forest
    private let thresholds: [Double]

    /// - Parameter asksAll: Whether each feature is asked at least once, by one rule alone.
    init(
        _ featureCount: Int, _ thresholdCount: Int, deepest: Int, _ random: inout SeededGenerator, asksAll: Bool = false
    ) throws {
        let type: NumberType = Bool.random(using: &random) ? .float32 : .float64
        let marginCount = [1, 1, 3].randomElement(using: &random)!
        // A rule for each feature, or two that differ in where a missing value goes: they share a search.
        let rules: [[MissingRule]] = (0..<featureCount).map { _ in
            let choices: [[MissingRule]] = [
                [.nanLeft], [.nanRight], [.nanLeft, .nanRight], [.nanIsZero], [.zeroLeft, .zeroRight],
            ]
            return choices.randomElement(using: &random)!
        }
        let thresholds = (0..<thresholdCount).map { _ in Double(Float.random(in: -2...2, using: &random)) }
        var nextFeature = 0
        var trees: [Forest.Tree] = []
        func split(_ left: Int32, _ right: Int32) -> TreeNode {
            var feature = Int.random(in: 0..<featureCount, using: &random)
            if asksAll, nextFeature < featureCount { (feature, nextFeature) = (nextFeature, nextFeature + 1) }
            return .numerical(
                feature: Int32(feature), threshold: thresholds.randomElement(using: &random)!,
                missing: rules[feature].randomElement(using: &random)!, left: left, right: right)
        }
        for tree in 0..<60 {
            var nodes: [TreeNode] = []
            func grow(_ level: Int, mustGoOn: Bool) -> Int32 {
                let position = nodes.count
                nodes.append(.leaf(Double(Float.random(in: -1...1, using: &random))))
                guard level < deepest, mustGoOn || Int.random(in: 0..<8, using: &random) > 0 else {
                    return Int32(position)
                }
                let isLeft = Bool.random(using: &random)
                let left = grow(level + 1, mustGoOn: mustGoOn && isLeft)
                let right = grow(level + 1, mustGoOn: mustGoOn && !isLeft)
                nodes[position] = split(left, right)
                return Int32(position)
            }
            _ = grow(0, mustGoOn: tree == 0)
            trees.append(Forest.Tree(nodes: nodes, margin: Int.random(in: 0..<marginCount, using: &random)))
        }
        self.thresholds = thresholds
        forest = try Forest(
            featureCount: featureCount, inputType: type, accumulator: type,
            comparison: Bool.random(using: &random) ? .less : .lessOrEqual, categoryRule: .truncated, trees: trees,
            categorySets: [], startValues: Array(repeating: 0.5, count: marginCount))
    }

    func rows(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
        smallRows(count, of: forest, thresholds: thresholds, &random)
    }
}
