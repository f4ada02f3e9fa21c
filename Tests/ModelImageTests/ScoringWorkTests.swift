import ModelTypes
import Testing

@testable import ModelImage

/// What a row costs follows from the image, whatever grew large in it.
@Suite(.timeLimit(.minutes(1))) struct ScoringWorkTests {
    private func work(
        _ predictor: ModelDescription.Predictor, transform: OutputTransform = .identity
    ) throws -> ScoringWork {
        let model = ModelDescription(
            predictor: predictor, featureNames: [], transform: transform, objective: "x", bestIteration: nil,
            source: ModelSource(format: .xgboostJSON, writerVersion: "x"))
        let image = try ImageCompiler.compile(model, artifactDigest: Array(repeating: 1, count: 32))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyBytes(from: image)
        return try ModelImageView(validating: UnsafeRawBufferPointer(memory)).work
    }

    /// Trees that are chains: each split has a leaf and the next split.
    private func forest(depths: [Int], isCategorical: Bool = false, margins: Int = 1) throws -> Forest {
        let trees = depths.enumerated().map { number, depth in
            var nodes: [TreeNode] = []
            for level in 0..<depth {
                let (leaf, next) = (Int32(2 * level + 1), Int32(2 * level + 2))
                nodes.append(
                    isCategorical
                        ? .categorical(feature: 0, set: 0, missing: .nanLeft, left: leaf, right: next)
                        : .numerical(feature: 0, threshold: 0.5, missing: .nanLeft, left: leaf, right: next))
                nodes.append(.leaf(1))
            }
            return Forest.Tree(nodes: nodes + [.leaf(2)], margin: number % margins)
        }
        return try Forest(
            featureCount: 1, inputType: .float32, accumulator: .float32, comparison: .less, categoryRule: .nonNegative,
            trees: trees, categorySets: isCategorical ? [[0b10]] : [],
            startValues: Array(repeating: 0, count: margins))
    }

    @Test func aTreeOfUsualDepthIsAUnit() throws {
        let work = try work(.forest(forest(depths: Array(repeating: 6, count: 800))))
        #expect(work.perRow == 801 && work.perCall == 0)
    }

    @Test func aDeepTreeCostsItsLevels() throws {
        #expect(try work(.forest(forest(depths: [20_000]))).perRow >= 20_000)
        // Seven others walk beside it, and wait.
        let beside = try work(.forest(forest(depths: [20_000] + Array(repeating: 1, count: 15)))).perRow
        #expect(beside >= 20_000 && beside < 21_000)
        let apart = Array(repeating: [5000] + Array(repeating: 1, count: 7), count: 4).flatMap(\.self)
        #expect(try work(.forest(forest(depths: apart))).perRow >= 20_000)
    }

    @Test func eachLevelOfACategoricalTreeCounts() throws {
        #expect(try work(.forest(forest(depths: Array(repeating: 6, count: 100), isCategorical: true))).perRow >= 600)
    }

    @Test func everyFeatureThatIsAskedCounts() throws {
        // One tree of little depth that asks 4,095 features.
        let count = 4095
        var nodes: [TreeNode] = []
        for index in 0..<Int32(count) {
            let left = 2 * index + 1
            nodes.append(.numerical(feature: index, threshold: 0.5, missing: .nanLeft, left: left, right: left + 1))
        }
        nodes += [TreeNode](repeating: .leaf(1), count: count + 1)
        let forest = try Forest(
            featureCount: count, inputType: .float32, accumulator: .float32, comparison: .less,
            categoryRule: .nonNegative, trees: [Forest.Tree(nodes: nodes, margin: 0)], categorySets: [],
            startValues: [0])
        #expect(try work(.forest(forest)).perRow >= count)
    }

    @Test func predictionsThatAreWrittenCount() throws {
        #expect(try work(.forest(forest(depths: [1], margins: 5000)), transform: .softmax).perRow >= 40_000)
    }

    @Test func aLinearModelCostsItsWeights() throws {
        let linear = try LinearPredictor(
            featureCount: 1000, accumulator: .float32, startValues: Array(repeating: 0, count: 300),
            weights: Array(repeating: 1, count: 300_000))
        #expect(try work(.linear(linear)).perRow >= 100_000)
    }

    @Test func aFactorizationMachineCostsItsFactors() throws {
        let machine = try FactorizationMachine(
            featureCount: 1000, factorCount: 100, bias: 0, weights: Array(repeating: 1, count: 1000),
            factors: Array(repeating: 1, count: 100_000))
        #expect(try work(.factorizationMachine(machine)).perRow >= 5000)
    }

    @Test func aNetworkCostsItsLayersAlsoWhereTheyHaveNoWeights() throws {
        let width = 4096
        let place = { Network.Place(buffer: $0, count: width) }
        let layers = (0..<200).map { index in
            Network.Layer(.softmax, input: place(index), output: place(index + 1))
        }
        let network = try Network(
            widths: Array(repeating: width, count: 201), layers: layers, output: place(200))
        #expect(try work(.network(network)).perRow >= 200 * width)
    }

    @Test func weightsThatAreFetchedOnceCountOnce() throws {
        let network = try Network(
            widths: [1000, 1000],
            layers: [
                Network.Layer(
                    .dense(weights: Array(repeating: 0.5, count: 1_000_000), bias: Array(repeating: 1, count: 1000)),
                    input: Network.Place(buffer: 0, count: 1000), output: Network.Place(buffer: 1, count: 1000))
            ], output: Network.Place(buffer: 1, count: 1000))
        let work = try work(.network(network))
        #expect(work.perRow >= 5000)
        #expect(work.perCall >= 50_000)
        #expect(work.of(rowCount: 3) == 3 * work.perRow + work.perCall)
    }

    @Test func sumsEndAtTheLargestNumber() throws {
        let work = try work(.forest(forest(depths: [20_000])))
        #expect(work.of(rowCount: .max) == .max)
        #expect(work.of(rowCount: 2, answerWork: .max) == .max)
    }
}
