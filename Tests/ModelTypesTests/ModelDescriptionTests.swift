import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct ModelDescriptionTests {
    @Test func namingFeaturesChangesNothingElse() throws {
        let linear = try LinearPredictor(
            featureCount: 2, accumulator: .float32, startValues: [0, 1, 2], weights: [1, 2, 3, 4, 5, 6])
        func description(_ names: [String]) -> ModelDescription {
            ModelDescription(
                predictor: .linear(linear), featureNames: names, transform: .softmax, transformSlope: 2,
                objective: "multi:softprob", bestIteration: 7,
                source: ModelSource(format: .onnx, writerVersion: "1"), classLabels: ["low", "middle", "high"])
        }
        #expect(description([]).named(["x", "y"]) == description(["x", "y"]))
    }
}
