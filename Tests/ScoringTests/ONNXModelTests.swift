import Foundation
import ModelFormat
import ModelTypes
import Scoring
import Testing

/// ONNX models score as ONNX Runtime does: trees to the last bit of their sums, networks within the tolerance of decision 0061.
@Suite(.timeLimit(.minutes(3))) struct ONNXModelTests {
    /// Trees: what is added is added as ONNX Runtime adds it, and the transforms are its own; exp differs in the last bit.
    @Test(arguments: [
        "modes-sum", "modes-average", "modes-strict-sum", "modes-strict-average", "sk-tree", "sk-tree-regression",
        "sk-random-forest", "sk-random-forest-classes", "sk-extra-trees", "sk-boosting", "sk-boosting-classes",
        "sk-boosting-regression", "sk-scaled-boosting", "xgboost", "xgboost-classes", "xgboost-regression", "lightgbm",
        "lightgbm-classes",
        "lightgbm-regression",
    ])
    func treesScoreAsONNXRuntime(name: String) throws {
        let model = try read(name)
        guard case .forest = model.predictor else {
            Issue.record("not a forest")
            return
        }
        let isExact = [.identity, .complementPair].contains(model.transform)
        try check(model, name, relative: isExact ? 0 : 3e-7, absolute: isExact ? 0 : 1e-7)
    }

    @Test(arguments: [
        "mlp", "keras", "embedding", "arithmetic", "sk-linear", "sk-logistic", "sk-logistic-classes", "sk-mlp",
        "sk-mlp-classes", "sk-mlp-regression",
    ])
    func networksScoreAsONNXRuntime(name: String) throws {
        let model = try read(name)
        guard case .network = model.predictor else {
            Issue.record("not a network")
            return
        }
        try check(model, name, relative: 2e-6, absolute: 1e-6)
    }

    @Test func classesAreNamed() throws {
        #expect(try read("sk-tree").classLabels == ["high", "low", "middle"])
        #expect(try read("sk-boosting").classLabels == ["0", "1"])
        #expect(try read("mlp").classLabels == [])
    }

    @Test func theWriterAndTheInputsAreNamed() throws {
        let model = try read("embedding")
        #expect(model.source == ModelSource(format: .onnx, writerVersion: "make-onnx-vectors 1"))
        #expect(model.featureNames == ["ids.0", "ids.1", "site", "x.0", "x.1", "x.2", "x.3", "x.4"])
        #expect(try read("mlp").featureNames == [])
    }

    private func read(_ name: String) throws -> ModelDescription {
        try parsed(dataFolder + "/Vectors/Models/onnx-\(name)/model.onnx")
    }

    /// All rows at once and one by one, by the vector kernels and the portable ones: within the tolerance of what ONNX Runtime
    /// answered; NaN where it answered NaN. A row alone scores to the bit as among others.
    private func check(
        _ model: ModelDescription, _ name: String, relative: Double, absolute: Double
    ) throws {
        let golden = try GoldenRows(csv: dataFolder + "/Vectors/Models/onnx-\(name)/golden.csv")
        let width = golden.predictions.count / golden.rowCount
        let rows = golden.features.map { Float($0) }
        for kernels in KernelSet.allCases {
            let image = try LoadedImage(model, kernels: kernels)
            try #require(image.scorer.featureCount == golden.featureCount && image.scorer.outputCount == width)
            let together = image.predictions(rows, rowCount: golden.rowCount)
            var worst = 0.0
            for (index, (found, expected)) in zip(together, golden.predictions).enumerated() {
                if found == expected || found.isNaN && expected.isNaN { continue }
                let error = abs(found - expected)
                worst = max(worst, error / max(1, abs(expected)))
                if !(error <= max(absolute, relative * abs(expected))) {
                    Issue.record("row \(index / width), output \(index % width): \(found), expected \(expected)")
                }
            }
            print("onnx-\(name) \(kernels): worst difference \(worst)")
            for row in 0..<golden.rowCount {
                let range = row * golden.featureCount..<(row + 1) * golden.featureCount
                let alone = image.predictions(Array(rows[range]), rowCount: 1)
                let expected = together[row * width..<(row + 1) * width]
                if alone.map(\.bitPattern) != expected.map(\.bitPattern) { Issue.record("row \(row) alone differs") }
            }
            let doubles = image.predictions(golden.features, rowCount: golden.rowCount)
            #expect(doubles.map(\.bitPattern) == together.map(\.bitPattern))
        }
    }
}
