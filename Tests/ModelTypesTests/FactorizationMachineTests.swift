import ModelTypes
import Testing

/// Factorization machines and encoders hold what they promise, or are not made.
@Suite(.timeLimit(.minutes(3))) struct FactorizationMachineTests {
    @Test func numbersThatDoNotFitAreRefused() throws {
        func make(_ weights: [Float], _ factors: [Float], bias: Float = 0) throws(FactorizationMachine.Failure) {
            _ = try FactorizationMachine(
                featureCount: 2, factorCount: 2, bias: bias, weights: weights, factors: factors)
        }
        try make([1, 2], [1, 2, 3, 4])
        #expect(throws: FactorizationMachine.Failure.weightCount(expected: 2, found: 1)) {
            try make([1], [1, 2, 3, 4])
        }
        #expect(throws: FactorizationMachine.Failure.factorCount(expected: 4, found: 3)) {
            try make([1, 2], [1, 2, 3])
        }
        #expect(throws: FactorizationMachine.Failure.number(index: -1)) { try make([1, 2], [1, 2, 3, 4], bias: .nan) }
        #expect(throws: FactorizationMachine.Failure.number(index: 1)) { try make([1, .infinity], [1, 2, 3, 4]) }
        #expect(throws: FactorizationMachine.Failure.number(index: 3)) { try make([1, 2], [1, .nan, 3, 4]) }
    }

    @Test func encodersAreInOrderAndUnambiguous() throws {
        let category = FeatureEncoders.Category(text: "a", number: 1)
        func encoder(_ feature: Int, _ categories: [FeatureEncoders.Category]) -> FeatureEncoders.Encoder {
            .init(feature: feature, categories: categories, unknown: .nan)
        }
        let sound = try FeatureEncoders([encoder(2, [category]), encoder(0, [])], featureCount: 3)
        #expect(sound.encoders.map(\.feature) == [0, 2])
        for (encoders, failure) in [
            ([encoder(3, [])], FeatureEncoders.Failure.featureOutOfRange(3)),
            ([encoder(1, []), encoder(1, [])], .featureTwice(1)),
            ([encoder(1, [category, category])], .categoryTwice(feature: 1, text: "a")),
            ([encoder(1, [.init(text: "b", number: .infinity)])], .number(feature: 1, text: "b")),
        ] {
            #expect(throws: failure) { try FeatureEncoders(encoders, featureCount: 3) }
        }
        // Two spellings of one character are two texts.
        let spellings = [
            FeatureEncoders.Category(text: "\u{E9}", number: 0), FeatureEncoders.Category(text: "e\u{301}", number: 1),
        ]
        #expect(throws: Never.self) { try FeatureEncoders([encoder(0, spellings)], featureCount: 1) }
    }

    @Test func scalesAndBiasesFitTheForest() throws {
        func forest(scale: Double, biases: [Double]) throws(ForestError) {
            _ = try Forest(
                featureCount: 1, inputType: .float32, accumulator: .float32, comparison: .less,
                categoryRule: .nonNegative, trees: [], categorySets: [], startValues: [0, 0], scale: scale,
                biases: biases)
        }
        try forest(scale: 2, biases: [])
        try forest(scale: 2, biases: [1, 2])
        #expect(throws: ForestError.biasCount(1)) { try forest(scale: 1, biases: [1]) }
        #expect(throws: ForestError.scaleOrBias) { try forest(scale: .infinity, biases: []) }
        #expect(throws: ForestError.scaleOrBias) { try forest(scale: 1, biases: [0, .nan]) }
        #expect(throws: ForestError.scaleOrBias) { try forest(scale: 0.1, biases: []) }
    }
}
