import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// Ranks among any number of thresholds, around every level of pivots.
@Suite(.timeLimit(.minutes(3))) struct RankTests {
    @Test(arguments: [1, 15, 16, 17, 256, 271, 272, 4351, 4352, 70_000])
    func ranksAreExactWhateverTheNumberOfThresholds(count: Int) throws {
        var random = SeededGenerator.printed()
        for type in [NumberType.float32, .float64] where count < 10_000 || type == .float64 {
            for comparison in [Forest.Comparison.less, .lessOrEqual]
            where count < 4000 || (type == .float32) == (comparison == .less) {
                // Each rule has a tree of its own over the same thresholds.
                let rules = count > 4000 ? [MissingRule.nanRight] : MissingRule.allCases
                let thresholds = distinctThresholds(count, type, &random)
                let forest = try Forest(
                    featureCount: 1, inputType: type, accumulator: type, comparison: comparison,
                    categoryRule: .nonNegative,
                    trees: rules.map { Forest.Tree(nodes: balancedTree(thresholds, $0), margin: 0) },
                    categorySets: [], startValues: [0])
                let rows = probes(thresholds, type, &random)
                let reference = ReferenceWalker(model(forest))
                let expected = rows.map { reference.margins([$0])[0] }
                let bytes = try ImageCompiler.compile(model(forest), artifactDigest: Array(repeating: 0, count: 32))
                for kernels in KernelSet.allCases {
                    let image = try LoadedImage(image: bytes, kernels: kernels)
                    let wrong = zip(image.margins(rows, rowCount: rows.count), expected).filter { $0 != $1 }
                    #expect(wrong.isEmpty, "\(kernels) \(type) \(comparison)")
                    let alone = rows.prefix(100).map { image.margins([$0], rowCount: 1)[0] }
                    #expect(alone == Array(expected.prefix(100)))
                }
            }
        }
    }

    private func distinctThresholds(_ count: Int, _ type: NumberType, _ random: inout SeededGenerator) -> [Double] {
        var values: Set<Double> = [-.infinity, .infinity, 0, -1e-40, 1e-45, 1e-35, -3e38]
        values = Set(values.map { type == .float32 ? Double(Float($0)) : $0 }.shuffled(using: &random).prefix(count))
        while values.count < count {
            let value = Double.random(in: -3...3, using: &random)
            values.insert(type == .float32 ? Double(Float(value)) : value)
        }
        return values.sorted()
    }

    /// Splits at every threshold; the leaves are numbered from left to right.
    private func balancedTree(_ thresholds: [Double], _ rule: MissingRule) -> [TreeNode] {
        var nodes: [TreeNode] = []
        func grow(_ range: Range<Int>) -> Int32 {
            let position = nodes.count
            nodes.append(.leaf(Double(range.lowerBound)))
            guard !range.isEmpty else { return Int32(position) }
            let middle = (range.lowerBound + range.upperBound) / 2
            let left = grow(range.lowerBound..<middle)
            let right = grow(middle + 1..<range.upperBound)
            nodes[position] = .numerical(
                feature: 0, threshold: thresholds[middle], missing: rule, left: left, right: right)
            return Int32(position)
        }
        _ = grow(0..<thresholds.count)
        return nodes
    }

    /// Thresholds, their neighbours, and what is special.
    private func probes(_ thresholds: [Double], _ type: NumberType, _ random: inout SeededGenerator) -> [Double] {
        let special = [Double.nan, .infinity, -.infinity, 0, -0.0, 1e-36, -1e-35, 1e-35, 1e-45, -1e-45, 3e38, -3e38]
        let chosen =
            [thresholds.first!, thresholds.last!] + (0..<80).map { _ in thresholds.randomElement(using: &random)! }
        return special
            + chosen.flatMap { value in
                type == .float32
                    ? [value, Double(Float(value).nextUp), Double(Float(value).nextDown)]
                    : [value, value.nextUp, value.nextDown]
            }
    }
}
