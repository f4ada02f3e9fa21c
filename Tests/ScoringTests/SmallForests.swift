import ModelTypes
import PropertyTesting

// What tests of the tables of small trees have in common.

/// A forest of one feature in float32.
func oneFeatureForest(_ trees: [Forest.Tree], sets: [[UInt32]] = []) throws -> Forest {
    try Forest(
        featureCount: 1, inputType: .float32, accumulator: .float32, comparison: .less, categoryRule: .nonNegative,
        trees: trees, categorySets: sets, startValues: [0])
}

/// A split with a leaf on each side: 0 on its left, 1 on its right.
func stump(threshold: Double, missing: MissingRule = .nanLeft) -> Forest.Tree {
    Forest.Tree(
        nodes: [
            .numerical(feature: 0, threshold: threshold, missing: missing, left: 1, right: 2), .leaf(0), .leaf(1),
        ], margin: 0)
}

/// The same by the first category set.
let categoricalStump = Forest.Tree(
    nodes: [.categorical(feature: 0, set: 0, missing: .nanLeft, left: 1, right: 2), .leaf(0), .leaf(1)], margin: 0)

/// Rows of thresholds, numbers between them, missing values, infinities, zeros and denormals.
func smallRows(
    _ count: Int, of forest: Forest, thresholds: [Double], _ random: inout SeededGenerator
) -> [Double] {
    (0..<count * forest.featureCount).map { _ in
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .nan
        case 1: [0, -0.0, 1e-40, .infinity, -.infinity].randomElement(using: &random)!
        case 2, 3: thresholds.randomElement(using: &random)!
        default: Double.random(in: -2...2, using: &random)
        }
    }
}
