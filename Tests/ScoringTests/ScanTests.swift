import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// Small trees over many rows, which a scan scores instead of a walk.
@Suite(.timeLimit(.minutes(3))) struct ScanTests {
    @Test(arguments: [1, 19, 20, 21, 31, 32, 33, 51, 52, 64, 100, 129, 300])
    func scansEqualTheReferenceToTheBit(rowCount: Int) throws {
        var random = SeededGenerator.printed()
        for leafLimit in [1, 2, 8, 9, 33, 63, 64] {
            let grown = try SmallForest(leafLimit: leafLimit, &random)
            let rows = grown.rows(rowCount, &random)
            let reference = ReferenceWalker(model(grown.forest))
            let width = grown.forest.featureCount
            let expected = (0..<rowCount).flatMap { reference.margins(Array(rows[$0 * width..<($0 + 1) * width])) }
            for kernels in KernelSet.allCases {
                let image = try LoadedImage(model(grown.forest), kernels: kernels)
                #expect(image.view.scan != nil)
                let found = image.margins(rows, rowCount: rowCount)
                #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(kernels), \(leafLimit) leaves")
            }
        }
    }

    @Test func largeTreesManyThresholdsAndCategoriesHaveNoScan() throws {
        var random = SeededGenerator.printed()
        #expect(try LoadedImage(model(SmallForest(leafLimit: 65, isFull: true, &random).forest)).view.scan == nil)
        #expect(try LoadedImage(model(SmallForest(leafLimit: 64, isFull: true, &random).forest)).view.scan != nil)
        // 300 thresholds need ranks of more than a byte.
        let many = (0..<300).map { stump(threshold: Double($0)) }
        #expect(try LoadedImage(model(oneFeatureForest(many))).view.scan == nil)
        #expect(try LoadedImage(model(oneFeatureForest(Array(many.prefix(255))))).view.scan != nil)
        #expect(try LoadedImage(model(oneFeatureForest([categoricalStump], sets: [[1]]))).view.scan == nil)
    }
}

/// Forests of trees with up to so many leaves, some of them chains to one side.
private struct SmallForest {
    let forest: Forest
    private let thresholds: [Double]

    init(leafLimit: Int, isFull: Bool = false, _ random: inout SeededGenerator) throws {
        let featureCount = Int.random(in: 1...50, using: &random)
        let marginCount = [1, 1, 3].randomElement(using: &random)!
        let type: NumberType = Bool.random(using: &random) ? .float32 : .float64
        let thresholds = (0..<50).map { _ in Double(Float.random(in: -2...2, using: &random)) }
        let trees = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            let lean = [0.05, 0.5, 0.5, 0.95].randomElement(using: &random)!
            var nodes: [TreeNode] = []
            func grow(_ leafCount: Int) -> Int32 {
                let position = nodes.count
                nodes.append(.leaf(Double(Float.random(in: -1...1, using: &random))))
                guard leafCount > 1 else { return Int32(position) }
                let leftCount = min(max(1, Int(Double(leafCount) * lean)), leafCount - 1)
                let left = grow(leftCount)
                let right = grow(leafCount - leftCount)
                nodes[position] = .numerical(
                    feature: Int32.random(in: 0..<Int32(featureCount), using: &random),
                    threshold: thresholds.randomElement(using: &random)!,
                    missing: MissingRule.allCases.randomElement(using: &random)!, left: left, right: right)
                return Int32(position)
            }
            _ = grow(isFull ? leafLimit : Int.random(in: 1...leafLimit, using: &random))
            return Forest.Tree(nodes: nodes, margin: Int.random(in: 0..<marginCount, using: &random))
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
