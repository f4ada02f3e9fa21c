import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct ForestTests {
    private static let split = TreeNode.numerical(feature: 0, threshold: 0.5, missing: .nanLeft, left: 1, right: 2)

    private func forest(
        _ nodes: [TreeNode], margin: Int = 0, type: NumberType = .float32, sets: [[UInt32]] = [], starts: [Double] = [0]
    ) throws(ForestError) -> Forest {
        try Forest(
            featureCount: 2, inputType: type, accumulator: type, comparison: .less, categoryRule: .nonNegative,
            trees: [Forest.Tree(nodes: nodes, margin: margin)], categorySets: sets, startValues: starts)
    }

    @Test func takesASoundTree() throws {
        let sound = try forest([Self.split, .leaf(1), .leaf(-1)])
        #expect(sound.marginCount == 1 && sound.trees.count == 1)
    }

    @Test(arguments: [
        ([TreeNode](), ForestError.emptyTree(tree: 0)),
        ([split, .leaf(1)], .childOutOfRange(tree: 0, node: 0)),
        (
            [.numerical(feature: 0, threshold: 0, missing: .nanLeft, left: -1, right: 1), .leaf(0)],
            .childOutOfRange(tree: 0, node: 0)
        ),
        // A child that is the root would make a circle.
        (
            [.numerical(feature: 0, threshold: 0, missing: .nanLeft, left: 0, right: 1), .leaf(0)],
            .childOutOfRange(tree: 0, node: 0)
        ),
        (
            [.numerical(feature: 0, threshold: 0, missing: .nanLeft, left: 1, right: 1), .leaf(0)],
            .nodeReachedTwice(tree: 0, node: 1)
        ),
        (
            [split, .leaf(1), .numerical(feature: 0, threshold: 0, missing: .nanLeft, left: 1, right: 3), .leaf(0)],
            .nodeReachedTwice(tree: 0, node: 1)
        ),
        ([.leaf(1), .leaf(2)], .nodeNotReached(tree: 0, node: 1)),
        (
            [.numerical(feature: 2, threshold: 0, missing: .nanLeft, left: 1, right: 2), .leaf(0), .leaf(0)],
            .featureOutOfRange(tree: 0, node: 0)
        ),
        (
            [.numerical(feature: 0, threshold: .nan, missing: .nanLeft, left: 1, right: 2), .leaf(0), .leaf(0)],
            .threshold(tree: 0, node: 0)
        ),
        (
            [.numerical(feature: 0, threshold: 0.1, missing: .nanLeft, left: 1, right: 2), .leaf(0), .leaf(0)],
            .threshold(tree: 0, node: 0)
        ),
        ([.leaf(0.1)], .leaf(tree: 0, node: 0)),
        (
            [.categorical(feature: 0, set: 1, missing: .nanLeft, left: 1, right: 2), .leaf(0), .leaf(0)],
            .categorySetOutOfRange(tree: 0, node: 0)
        ),
        (
            [.categorical(feature: 0, set: 0, missing: .zeroLeft, left: 1, right: 2), .leaf(0), .leaf(0)],
            .categoricalMissingRule(tree: 0, node: 0)
        ),
    ])
    func refusesWhatIsNoTree(nodes: [TreeNode], error: ForestError) {
        #expect(throws: error) { try forest(nodes, sets: [[1]]) }
    }

    @Test func refusesMarginsThatAreNotThere() {
        #expect(throws: ForestError.marginOutOfRange(tree: 0)) { try forest([.leaf(1)], margin: 1) }
        #expect(throws: ForestError.marginOutOfRange(tree: 0)) { try forest([.leaf(1)], margin: -1) }
        #expect(throws: ForestError.noMargin) { try forest([.leaf(1)], starts: []) }
    }

    @Test func doublesNeedNotBeFloats() throws {
        #expect(try forest([.leaf(0.1)], type: .float64).trees[0].nodes[0].value == 0.1)
    }

    @Test func aDeepTreeIsCheckedWithoutRecursion() throws {
        var nodes: [TreeNode] = []
        for depth in 0..<200_000 {
            nodes.append(
                .numerical(
                    feature: 0, threshold: 1, missing: .nanRight, left: Int32(2 * depth + 1),
                    right: Int32(2 * depth + 2)))
            nodes.append(.leaf(0))
        }
        nodes.append(.leaf(0))
        #expect(try forest(nodes).trees[0].nodes.count == 400_001)
    }

    @Test func linearModelsNeedAWeightForEachFeatureAndMargin() throws {
        let sound = try LinearPredictor(
            featureCount: 2, accumulator: .float32, startValues: [0, 1], weights: [1, 2, 3, 4])
        #expect(sound.marginCount == 2)
        #expect(throws: LinearPredictor.Failure.weightCount(expected: 4, found: 3)) {
            try LinearPredictor(featureCount: 2, accumulator: .float32, startValues: [0, 1], weights: [1, 2, 3])
        }
        #expect(throws: LinearPredictor.Failure.weight(index: 1)) {
            try LinearPredictor(featureCount: 2, accumulator: .float32, startValues: [0], weights: [1, 0.1])
        }
        #expect(throws: LinearPredictor.Failure.noMargin) {
            try LinearPredictor(featureCount: 2, accumulator: .float32, startValues: [], weights: [])
        }
    }
}
