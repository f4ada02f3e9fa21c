import Foundation
import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// The kernel of factorization machines, in float32, against the plain sum over pairs and against numpy, in float64.
///
/// The tolerance is 10⁻⁵ of the sum of the magnitudes of all addends: float32 rounds each of a few hundred to 6·10⁻⁸ of itself.
@Suite(.timeLimit(.minutes(3))) struct FactorizationMachineTests {
    static let tolerance = 1e-5

    @Test func theKernelComesCloseToTheSumOverPairs() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<150 {
            let machine = try Self.machine(&random)
            let model = Self.model(machine)
            let image = try LoadedImage(model)
            let rowCount = [1, 3, 40].randomElement(using: &random)!
            let density = Double.random(in: 0...1, using: &random)
            let rows = (0..<rowCount * machine.featureCount).map { _ -> Double in
                if Double.random(in: 0...1, using: &random) > density { return Bool.random(using: &random) ? 0 : .nan }
                return Double(
                    [
                        1, Float.random(in: -3...3, using: &random), .leastNonzeroMagnitude, -0.0,
                        Float.random(in: -1000...1000, using: &random),
                    ]
                    .randomElement(using: &random)!)
            }
            let margins = image.margins(rows, rowCount: rowCount)
            let reference = ReferenceWalker(model)
            for row in 0..<rowCount {
                let features = Array(rows[row * machine.featureCount..<(row + 1) * machine.featureCount])
                let expected = reference.margins(features)[0]
                let bound = Self.tolerance * Self.magnitude(machine, features)
                #expect(abs(margins[row] - expected) <= bound, "\(margins[row]) \(expected) \(bound)")
                // A row alone, and in the other type, is the same to the bit.
                #expect(image.margins(features, rowCount: 1) == [margins[row]])
                #expect(image.margins(features.map { Float($0) }, rowCount: 1) == [margins[row]])
            }
        }
    }

    @Test(arguments: ["fm-regression/model.json", "fm-classification/model.json", "fm-libfm/model.libfm"])
    func marginsAreThoseOfNumpy(path: String) throws {
        let folder = dataFolder + "/Vectors/Models/" + (path as NSString).deletingLastPathComponent
        let model = try parsed(dataFolder + "/Vectors/Models/" + path)
        guard case .factorizationMachine(let machine) = model.predictor else {
            Issue.record("another model")
            return
        }
        let wide = try WideRows(folder + "/wide.txt", featureCount: model.featureCount, isSparse: true)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/margins.f32"))
        try #require(bytes.count == 4 * WideRows.rowCount)
        let expected = bytes.withUnsafeBytes { raw in
            (0..<WideRows.rowCount).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        let image = try LoadedImage(model)
        let margins = image.margins(wide.features.map { Float($0) }, rowCount: WideRows.rowCount)
        let predictions = image.predictions(wide.features, rowCount: WideRows.rowCount)
        for row in 0..<WideRows.rowCount {
            let features = Array(wide.features[row * machine.featureCount..<(row + 1) * machine.featureCount])
            let bound = Self.tolerance * Self.magnitude(machine, features)
            guard abs(margins[row] - Double(expected[row])) <= bound else {
                Issue.record("row \(row): \(margins[row]), expected \(expected[row])")
                return
            }
            let prediction = model.transform == .logistic ? 1 / (1 + exp(-margins[row])) : margins[row]
            #expect(abs(predictions[row] - prediction) <= 1e-6 * max(1, abs(prediction)))
        }
    }

    /// A row of one feature has no pairs: nothing is left over of its square.
    @Test func oneFeatureAloneIsItsWeight() throws {
        let machine = try FactorizationMachine(
            featureCount: 3, factorCount: 2, bias: 0.5, weights: [1, 2, 3], factors: [1000, 3333, 0.1, 7, 9, 1])
        let image = try LoadedImage(Self.model(machine))
        #expect(image.margins([1, 0, .nan] as [Float], rowCount: 1) == [1.5])
        #expect(image.margins([1, 1, 0] as [Float], rowCount: 1) == [3.5 + 100 + 23331])
        #expect(image.margins([0, 0, 0] as [Float], rowCount: 1) == [0.5])
    }

    @Test func changedImagesAreRefusedOrScoreWithinBounds() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<40 {
            let machine = try Self.machine(&random)
            let sound = try ImageCompiler.compile(
                Self.model(machine), artifactDigest: Array(repeating: 0, count: 32))
            for _ in 0..<40 {
                var bytes = sound
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let limit = Bool.random(using: &random) ? 512 : bytes.count
                    bytes[Int.random(in: 0..<limit, using: &random)] = [0, 1, 3, 8, 0x7F, 0xFF].randomElement(
                        using: &random)!
                }
                guard let image = try? LoadedImage(image: bytes), image.scorer.featureCount < 1000,
                    image.scorer.marginCount < 1000
                else { continue }
                let rows = [Float](repeating: 0.5, count: image.scorer.featureCount * 2)
                #expect(image.predictions(rows, rowCount: 2).count == 2 * image.scorer.outputCount)
            }
        }
    }

    private static func machine(_ random: inout SeededGenerator) throws -> FactorizationMachine {
        let featureCount = Int.random(in: 1...60, using: &random)
        let factorCount = [0, 1, 3, 8, 9, 16, 30].randomElement(using: &random)!
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        return try FactorizationMachine(
            featureCount: featureCount, factorCount: factorCount, bias: numbers(1)[0], weights: numbers(featureCount),
            factors: numbers(featureCount * factorCount))
    }

    private static func model(_ machine: FactorizationMachine) -> ModelDescription {
        ModelDescription(
            predictor: .factorizationMachine(machine), featureNames: [], transform: .identity, objective: "regression",
            bestIteration: nil, source: ModelSource(format: .factorizationMachine, writerVersion: ""))
    }

    /// |bias| + Σ |w_i x_i| + Σ_f (Σ_i |v_if x_i|)², which bounds the magnitudes of all addends.
    private static func magnitude(_ machine: FactorizationMachine, _ row: [Double]) -> Double {
        let count = machine.factorCount
        var sum = Double(abs(machine.bias))
        var parts = [Double](repeating: 0, count: count)
        for (feature, value) in row.enumerated() where !value.isNaN {
            sum += abs(value * Double(machine.weights[feature]))
            for factor in 0..<count {
                parts[factor] += abs(value * Double(machine.factors[feature * count + factor]))
            }
        }
        return parts.reduce(sum) { $0 + $1 * $1 }
    }
}
