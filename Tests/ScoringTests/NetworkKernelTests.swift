import CKernels
import ModelImage
import ModelTypes
import PropertyTesting
import Scoring
import Testing

/// The kernels of networks against the plain walk in float64, against each other, and against hostile images.
@Suite(.timeLimit(.minutes(3))) struct NetworkKernelTests {
    @Test func kernelsAgreeWithTheReference() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<150 {
            let grown = try RandomNetwork(&random)
            let rowCount = [1, 2, 7, 50, 61].randomElement(using: &random)!
            let rows = grown.rows(rowCount, &random)
            let reference = ReferenceWalker(grown.model)
            let width = grown.network.featureCount
            let expected = (0..<rowCount).flatMap {
                reference.margins(rows[$0 * width..<($0 + 1) * width].map { Double($0) })
            }
            let vector = try LoadedImage(grown.model).margins(rows, rowCount: rowCount)
            let portable = try LoadedImage(grown.model, kernels: .portable).margins(rows, rowCount: rowCount)
            for (found, name) in [(vector, "vector"), (portable, "portable")] {
                let far = zip(found, expected).filter { !Self.isNear($0, $1) }
                #expect(far.isEmpty, "\(name): \(far.count) differ, first \(String(describing: far.first))")
            }
        }
    }

    /// Two divisions by a softmax's rounded terms lie further apart than a sum of products; hence not ulps.
    private static func isNear(_ found: Double, _ expected: Double) -> Bool {
        if found.isNaN || expected.isNaN { return found.isNaN == expected.isNaN }
        if found == expected { return true }
        return abs(found - expected) <= 2e-4 * max(1, abs(expected))
    }

    @Test func aRowScoresAloneAsAmongOthers() throws {
        var random = SeededGenerator.printed()
        for round in 0..<60 {
            let grown = try RandomNetwork(&random)
            let rows = grown.rows(55, &random)
            let image = try LoadedImage(grown.model, kernels: round % 3 != 0 ? .avx512 : .portable)
            let together = image.margins(rows, rowCount: 55)
            let width = grown.network.featureCount
            let alone = (0..<55).flatMap { image.margins(Array(rows[$0 * width..<($0 + 1) * width]), rowCount: 1) }
            #expect(alone.map(\.bitPattern) == together.map(\.bitPattern))
        }
    }

    /// Every activation over the numbers that float32 has, sampled: vectors within four ulp of the formula, and of the twin.
    @Test(arguments: Network.Activation.allCases)
    func activationsFollowTheirFormula(activation: Network.Activation) throws {
        var values: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, -1e-30, 1e-4, -1e-4, .infinity, -.infinity, .nan, 3e38, -3e38,
        ]
        values += stride(from: Float(-95), through: 89, by: 0.0173)
        let count = values.count
        let network = try Network(
            widths: [count, count],
            layers: [
                Network.Layer(
                    .select((0..<Int32(count)).map { $0 }), input: Network.Place(buffer: 0, count: count),
                    output: Network.Place(buffer: 1, count: count), activation: activation, alpha: 0.5)
            ], output: Network.Place(buffer: 1, count: count))
        let model = description(network)
        let expected = ReferenceWalker(model).margins(values.map { Double($0) })
        for kernels in KernelSet.allCases {
            let found = try LoadedImage(model, kernels: kernels).margins(values, rowCount: 1)
            for (value, (found, expected)) in zip(values, zip(found, expected)) {
                if found.isNaN || expected.isNaN {
                    #expect(found.isNaN && expected.isNaN, "\(activation)(\(value))")
                } else if abs(expected) > Double(Float.greatestFiniteMagnitude) {
                    #expect(found == expected || abs(Float(found)) == .infinity, "\(activation)(\(value)) = \(found)")
                } else {
                    let ulp = max(Double(Float(abs(expected)).ulp), Double(Float.leastNormalMagnitude))
                    #expect(abs(found - expected) <= 4 * ulp, "\(activation)(\(value)) = \(found), not \(expected)")
                }
            }
        }
    }

    /// What this processor cannot run is not tried; what it can agrees to the last bits.
    @Test func everyLevelOfTheProcessorAgrees() {
        var random = SeededGenerator.printed()
        for level in stride(from: Int32(1), through: lodestore_dense_level(), by: 1) {
            for (inputs, outputs, rowCount) in [(1, 16, 1), (3, 8, 5), (64, 200, 13), (257, 33, 48), (40, 256, 3)] {
                let rows = (0..<inputs * rowCount).map { _ in Float.random(in: -1...1, using: &random) }
                let wide = Network.rounded(outputs)
                let parameters = (0..<wide * (inputs + 1)).map { _ in Float.random(in: -1...1, using: &random) }
                var found = [Float](repeating: .nan, count: wide * rowCount)
                lodestore_dense_panels(
                    level, rows, inputs, rowCount, parameters, UInt32(inputs), UInt32(outputs), 0, 0, &found, wide)
                for row in 0..<rowCount {
                    for output in 0..<outputs {
                        var (sum, size) = (Double(parameters[output]), 1.0)
                        for input in 0..<inputs {
                            let weight = parameters[wide + (output / 16 * inputs + input) * 16 + output % 16]
                            let product = Double(rows[row * inputs + input]) * Double(weight)
                            sum += product
                            size += abs(product)
                        }
                        let error = abs(Double(found[row * wide + output]) - sum)
                        #expect(error <= size * Double(inputs + 1) * Double(Float.ulpOfOne))
                    }
                }
            }
        }
    }

    @Test func aNumberThatNamesNoRowOfATableGivesNaN() throws {
        let network = try Network(
            widths: [1, 2],
            layers: [
                Network.Layer(
                    .embedding(table: [1, 2, 3, 4, 5, 6], rowCount: 3), input: Network.Place(buffer: 0, count: 1),
                    output: Network.Place(buffer: 1, count: 2))
            ], output: Network.Place(buffer: 1, count: 2))
        let image = try LoadedImage(description(network))
        let found = image.margins([0, 2.9, -1, -3, 3, -4, .nan, .infinity] as [Float], rowCount: 8)
        #expect(Array(found.prefix(8)) == [1, 2, 5, 6, 5, 6, 1, 2])
        #expect(found.dropFirst(8).allSatisfy { $0.isNaN })
    }

    @Test func theRowItselfCanBeTheResult() throws {
        let network = try Network(widths: [3], layers: [], output: Network.Place(buffer: 0, first: 1, count: 2))
        let image = try LoadedImage(description(network))
        #expect(image.margins([1, 2, 3, 4, 5, 6] as [Float], rowCount: 2) == [2, 3, 5, 6])
        #expect(image.margins([1, 2, 3, 4, 5, 6] as [Double], rowCount: 2) == [2, 3, 5, 6])
    }

    /// Any byte changed: the image is refused, or it scores whatever it then says, within its bounds and without reading what
    /// another image left in the scratch.
    @Test func changedImagesAreRefusedOrScoreWithinBounds() throws {
        var random = SeededGenerator.printed()
        var refusedCount = 0
        for round in 0..<60 {
            let grown = try RandomNetwork(&random)
            let sound = try ImageCompiler.compile(grown.model, artifactDigest: Array(repeating: 0, count: 32))
            // The records of layers lie at the end.
            let records =
                sound.count - min(sound.count - 512, 64 * grown.network.layers.count + 16 * grown.network.widths.count)
            for _ in 0..<60 {
                var bytes = sound
                switch Int.random(in: 0...4, using: &random) {
                case 0: bytes[Int.random(in: 0..<512, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                case 2: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
                default:
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        bytes[Int.random(in: records..<bytes.count, using: &random)] = [0, 1, 2, 0x10, 0x7F, 0xFF]
                            .randomElement(using: &random)!
                    }
                }
                guard let image = try? LoadedImage(image: bytes, kernels: round.isMultiple(of: 2) ? .avx512 : .portable)
                else {
                    refusedCount += 1
                    continue
                }
                guard image.scorer.featureCount < 1_000, image.scorer.marginCount < 1_000 else { continue }
                let rows = [Float](repeating: 0.5, count: 3 * image.scorer.featureCount)
                let first = image.predictions(rows, rowCount: 3)
                #expect(first.count == 3 * image.scorer.outputCount)
                #expect(first.map(\.bitPattern) == image.predictions(rows, rowCount: 3).map(\.bitPattern))
            }
        }
        #expect(refusedCount > 300)
    }

    private func description(_ network: Network) -> ModelDescription {
        ModelDescription(
            predictor: .network(network), featureNames: [], transform: .identity, objective: "test", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: ""))
    }
}
