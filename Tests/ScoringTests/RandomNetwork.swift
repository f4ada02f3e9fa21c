import ModelTypes
import PropertyTesting

/// A network of random layers, each reading some place that was written before.
struct RandomNetwork {
    let network: Network
    let model: ModelDescription

    init(_ random: inout SeededGenerator) throws {
        let featureCount = Int.random(in: 1...70, using: &random)
        var widths = [featureCount]
        var layers: [Network.Layer] = []
        var places = [Network.Place(buffer: 0, count: featureCount)]
        func numbers(_ count: Int, _ range: ClosedRange<Float>, _ random: inout SeededGenerator) -> [Float] {
            (0..<count).map { _ in Float.random(in: range, using: &random) }
        }
        for _ in 0..<Int.random(in: 1...9, using: &random) {
            let kind = Int.random(in: 0..<12, using: &random)
            // What has steps or divides by what it reads takes the row: float64 and float32 would part ways behind cancellation.
            let whole = [5, 10, 11].contains(kind) ? places[0] : places.randomElement(using: &random)!
            let first = Int.random(in: 0..<whole.count, using: &random)
            let input = Network.Place(
                buffer: whole.buffer, first: whole.first + first,
                count: Int.random(in: 1...whole.count - first, using: &random))
            var second: Network.Place?
            var width = input.count
            let operation: Network.Operation
            switch kind {
            case 0...4:
                width = Int.random(in: 1...90, using: &random)
                operation = .dense(
                    weights: numbers(input.count * width, -0.3...0.3, &random), bias: numbers(width, -1...1, &random))
            case 5:
                let rowCount = Int.random(in: 1...9, using: &random)
                let columns = Int.random(in: 1...4, using: &random)
                width = input.count * columns
                operation = .embedding(table: numbers(rowCount * columns, -1...1, &random), rowCount: rowCount)
            case 6:
                width = Int.random(in: 1...30, using: &random)
                operation = .select(
                    (0..<width).map { _ in Int32.random(in: 0..<Int32(input.count), using: &random) })
            case 7:
                let arithmetic = Network.Arithmetic.allCases.filter { $0 != .divideInto }.randomElement(using: &random)!
                operation = .arithmetic(arithmetic, numbers(width, 0.5...2, &random))
            case 8:
                second = Network.Place(
                    buffer: input.buffer, first: input.first, count: Bool.random(using: &random) ? width : 1)
                operation = .combine([.add, .subtract, .multiply, .subtractFrom].randomElement(using: &random)!)
            case 9: operation = .softmax
            case 10: operation = .normalize(Bool.random(using: &random) ? .l1 : .l2)
            default:
                operation = .impute(
                    numbers(width, -1...1, &random), replaced: Bool.random(using: &random) ? .nan : 0)
            }
            let output = Network.Place(buffer: widths.count, count: width)
            widths.append(width)
            layers.append(
                Network.Layer(
                    operation, input: input, second: second, output: output,
                    activation: [.none, .none, .relu, .sigmoid, .tanh, .leakyRelu, .elu].randomElement(using: &random)!,
                    alpha: 0.3))
            places.append(output)
        }
        network = try Network(widths: widths, layers: layers, output: places.last!)
        model = ModelDescription(
            predictor: .network(network), featureNames: [], transform: .identity, objective: "random",
            bestIteration: nil, source: ModelSource(format: .onnx, writerVersion: ""))
    }

    func rows(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
        (0..<count * network.featureCount).map { _ in
            switch Int.random(in: 0..<40, using: &random) {
            case 0: .nan
            case 1: 0
            case 2: -0.0
            case 3: .leastNonzeroMagnitude
            default: Float.random(in: -4...4, using: &random)
            }
        }
    }
}
