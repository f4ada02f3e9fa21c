import Glibc
import ModelTypes

/// The slow, obvious way through a network: every value in float64, by the formula. Kernels compute in float32 and are held to this
/// within the tolerance that decision 0061 states.
struct ReferenceNetwork {
    private let network: Network

    init(_ network: Network) { self.network = network }

    /// - Parameter row: [featureCount].
    func margins(_ row: [Double]) -> [Double] {
        var buffers = network.widths.map { [Double](repeating: 0, count: $0) }
        buffers[0] = row.map { Double(Float($0)) }
        func read(_ place: Network.Place) -> [Double] {
            Array(buffers[place.buffer][place.first..<place.first + place.count])
        }
        for layer in network.layers {
            let values = result(of: layer, read(layer.input), layer.second.map(read) ?? [])
            for (index, value) in values.enumerated() {
                buffers[layer.output.buffer][layer.output.first + index] =
                    activated(value, layer.activation, Double(layer.alpha))
            }
        }
        return read(network.output)
    }

    private func result(of layer: Network.Layer, _ input: [Double], _ second: [Double]) -> [Double] {
        switch layer.operation {
        case .dense(let weights, let bias):
            return bias.indices.map { output in
                input.indices.reduce(Double(bias[output])) {
                    $0 + input[$1] * Double(weights[$1 * bias.count + output])
                }
            }
        case .embedding(let table, let rowCount):
            let width = layer.output.count / input.count
            return input.flatMap { value -> [Double] in
                let number = value.rounded(.towardZero)
                guard number >= -Double(rowCount), number < Double(rowCount) else {
                    return Array(repeating: .nan, count: width)
                }
                let index = Int(number) < 0 ? Int(number) + rowCount : Int(number)
                return table[index * width..<(index + 1) * width].map { Double($0) }
            }
        case .select(let columns): return columns.map { input[Int($0)] }
        case .arithmetic(let arithmetic, let constants):
            return zip(input, constants).map { calculated(arithmetic, $0, Double($1)) }
        case .combine(let arithmetic):
            return input.indices.map { calculated(arithmetic, input[$0], second.count == 1 ? second[0] : second[$0]) }
        case .softmax:
            let greatest = input.reduce(-.infinity) { $1 > $0 ? $1 : $0 }
            let terms = input.map { exp($0 - greatest) }
            return terms.map { $0 / terms.reduce(0, +) }
        case .normalize(let norm):
            // Squares that float32 does not hold are nothing: that is part of what the operation means.
            let sum = input.reduce(0) { $0 + (norm == .l1 ? abs($1) : Double(Float($1) * Float($1))) }
            let size = norm == .l1 ? sum : sum.squareRoot()
            return input.map { size == 0 ? $0 : $0 / size }
        case .impute(let values, let replaced):
            return zip(input, values).map {
                (replaced.isNaN ? $0.isNaN : $0 == Double(replaced)) ? Double($1) : $0
            }
        }
    }

    private func calculated(_ arithmetic: Network.Arithmetic, _ left: Double, _ right: Double) -> Double {
        switch arithmetic {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .subtractFrom: right - left
        case .divideInto: right / left
        }
    }

    private func activated(_ x: Double, _ activation: Network.Activation, _ alpha: Double) -> Double {
        switch activation {
        case .none: x
        case .relu: x < 0 ? 0 : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .tanh: Glibc.tanh(x)
        case .leakyRelu: x < 0 ? alpha * x : x
        case .elu: x < 0 ? alpha * expm1(x) : x
        case .exponential: exp(x)
        }
    }
}
