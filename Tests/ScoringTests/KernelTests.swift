import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// Kernels against the plain walk over the description, and against hostile images.
@Suite(.timeLimit(.minutes(3))) struct KernelTests {
    @Test(arguments: KernelSet.allCases) func kernelsEqualTheReferenceToTheBit(kernels: KernelSet) throws {
        var random = SeededGenerator.printed()
        for _ in 0..<150 {
            let grown = try RandomForest(&random)
            let rowCount = [1, 3, 7, 20, 33, 70, 150].randomElement(using: &random)!
            let rows = grown.rows(rowCount, &random)
            let image = try LoadedImage(grown.model, kernels: kernels)
            let reference = ReferenceWalker(grown.model)
            let width = grown.forest.featureCount
            let expected = (0..<rowCount).flatMap { reference.margins(Array(rows[$0 * width..<($0 + 1) * width])) }
            let found = image.margins(rows, rowCount: rowCount)
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
            let rounded = rows.map { Float($0) }
            let widened = rounded.map { Double($0) }
            let expected32 = (0..<rowCount).flatMap { reference.margins(Array(widened[$0 * width..<($0 + 1) * width])) }
            #expect(image.margins(rounded, rowCount: rowCount).map(\.bitPattern) == expected32.map(\.bitPattern))
        }
    }

    /// Any byte changed: the image is refused, or it scores whatever it then says, within its bounds.
    @Test func changedImagesAreRefusedOrScoreWithinBounds() throws {
        var random = SeededGenerator.printed()
        var refusedCount = 0
        for round in 0..<60 {
            let grown = try RandomForest(&random)
            let rows = grown.rows(23, &random)
            let sound = try ImageCompiler.compile(grown.model, artifactDigest: Array(repeating: 0, count: 32))
            for _ in 0..<40 {
                var bytes = sound
                switch (round + Int.random(in: 0...3, using: &random)) % 4 {
                case 0: bytes[Int.random(in: 0..<256, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                case 2: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
                default:
                    for _ in 0..<8 {
                        bytes[Int.random(in: 96..<bytes.count, using: &random)] = [0, 1, 0x7F, 0xFF].randomElement(
                            using: &random)!
                    }
                }
                let kernels = KernelSet.allCases[round % KernelSet.allCases.count]
                guard let image = try? LoadedImage(image: bytes, kernels: kernels) else {
                    refusedCount += 1
                    continue
                }
                // The change may have touched counts; score what the image says it is.
                guard image.scorer.featureCount < 1_000, image.scorer.marginCount < 1_000 else { continue }
                let needed = image.scorer.featureCount * 23
                let padded = Array((rows + Array(repeating: 0.5, count: needed)).prefix(needed))
                // One row takes other kernels than many.
                #expect(image.predictions(padded, rowCount: 1).count == image.scorer.outputCount)
                #expect(image.predictions(padded, rowCount: 23).count == 23 * image.scorer.outputCount)
            }
        }
        #expect(refusedCount > 200)
    }

    @Test func aTreeOfOneLeafAddsThatLeaf() throws {
        let forest = try Forest(
            featureCount: 2, inputType: .float32, accumulator: .float32, comparison: .less, categoryRule: .nonNegative,
            trees: (1...11).map { Forest.Tree(nodes: [.leaf(Double($0))], margin: 0) }, categorySets: [],
            startValues: [0.5])
        let image = try LoadedImage(model(forest))
        #expect(image.margins([1, .nan] as [Float], rowCount: 1) == [66.5])
    }

    @Test func noRowsAndNoTreesAreAnsweredAsWell() throws {
        let forest = try Forest(
            featureCount: 1, inputType: .float64, accumulator: .float64, comparison: .lessOrEqual,
            categoryRule: .truncated,
            trees: [], categorySets: [], startValues: [0.25, -1])
        let image = try LoadedImage(model(forest))
        #expect(image.margins([] as [Double], rowCount: 0) == [])
        #expect(image.margins([3, 4] as [Double], rowCount: 2) == [0.25, -1, 0.25, -1])
    }

    /// Ranks need more than 32 bits with slots and children: words of eight bytes.
    @Test func wideWordsScoreLikeNarrowOnes() throws {
        var random = SeededGenerator.printed()
        let trees = (0..<20).map { _ in
            // A chain: each split has a leaf on its left.
            var nodes: [TreeNode] = []
            for depth in 0..<4000 {
                nodes.append(
                    .numerical(
                        feature: max(0, Int32.random(in: -600..<600, using: &random)),
                        threshold: Double.random(in: -3...3, using: &random),
                        missing: .nanRight, left: Int32(2 * depth + 1), right: Int32(2 * depth + 2)))
                nodes.append(.leaf(Double(depth)))
            }
            nodes.append(.leaf(-1))
            return Forest.Tree(nodes: nodes, margin: 0)
        }
        let forest = try Forest(
            featureCount: 600, inputType: .float64, accumulator: .float64, comparison: .less, categoryRule: .truncated,
            trees: trees,
            categorySets: [], startValues: [0])
        let image = try LoadedImage(model(forest))
        #expect(image.view.wordByteCount == 8)
        let rows = (0..<6000).map { _ in Double.random(in: 2.9...3.1, using: &random) }
        let reference = ReferenceWalker(model(forest))
        let expected = (0..<10).flatMap { reference.margins(Array(rows[$0 * 600..<($0 + 1) * 600])) }
        #expect(image.margins(rows, rowCount: 10) == expected)
    }

}

/// A forest as a model that does nothing to its margins.
func model(_ forest: Forest) -> ModelDescription {
    ModelDescription(
        predictor: .forest(forest), featureNames: [], transform: .identity, objective: "test", bestIteration: nil,
        source: ModelSource(format: .xgboostJSON, writerVersion: ""))
}
