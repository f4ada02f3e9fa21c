/// A feed-forward network over one row: layers that read columns of buffers and write columns of others, all in float32.
///
/// A value of this type is sound: init checks every place, shape and count, that nothing is read before it is written, and that
/// nothing is written twice. NaN flows through as NaN; there are no missing values.
package struct Network: Hashable, Sendable {
    /// Columns of a buffer that lie side by side.
    package struct Place: Hashable, Sendable {
        package let buffer: Int
        package let first: Int
        package let count: Int

        package init(buffer: Int, first: Int = 0, count: Int) {
            self.buffer = buffer
            self.first = first
            self.count = count
        }
    }

    /// What is done with each value of a layer's result.
    package enum Activation: UInt8, Hashable, Sendable, CaseIterable {
        case none = 0
        /// max(0, x).
        case relu = 1
        /// 1 / (1 + e^-x).
        case sigmoid = 2
        case tanh = 3
        /// alpha·x below zero, else x.
        case leakyRelu = 4
        /// alpha·(e^x - 1) below zero, else x.
        case elu = 5
        /// e^x.
        case exponential = 6
    }

    package enum Arithmetic: UInt8, Hashable, Sendable, CaseIterable {
        case add = 0
        case subtract = 1
        case multiply = 2
        case divide = 3
        /// constant - x, or second - first.
        case subtractFrom = 4
        /// constant / x, or second / first.
        case divideInto = 5
    }

    package enum Norm: UInt8, Hashable, Sendable, CaseIterable {
        /// Σ abs(x).
        case l1 = 0
        /// √Σ x².
        case l2 = 1
    }

    package enum Operation: Hashable, Sendable {
        /// bias + x·weights; weights are [inputs, outputs], row-major.
        case dense(weights: [Float], bias: [Float])
        /// For each input column, cut to an integer, a row of the table, [rows, width]; negative numbers count from the end. A
        /// number that names no row, and NaN, give NaN.
        case embedding(table: [Float], rowCount: Int)
        /// Columns of the input, by number.
        case select([Int32])
        /// With a constant for each column.
        case arithmetic(Arithmetic, [Float])
        /// Of two inputs, column by column; the second may have one column, which then stands for all.
        case combine(Arithmetic)
        /// e^(x_k - max) / Σ e^(x_j - max).
        case softmax
        /// x over the norm of the row; x itself where that is zero.
        case normalize(Norm)
        /// The column's constant where x is `replaced` (NaN: where x is NaN), else x.
        case impute([Float], replaced: Float)
    }

    package struct Layer: Hashable, Sendable {
        package let operation: Operation
        package let input: Place
        /// What ``Operation/combine(_:)`` reads beside the input.
        package let second: Place?
        package let output: Place
        package let activation: Activation
        package let alpha: Float

        package init(
            _ operation: Operation, input: Place, second: Place? = nil, output: Place, activation: Activation = .none,
            alpha: Float = 0
        ) {
            self.operation = operation
            self.input = input
            self.second = second
            self.output = output
            self.activation = activation
            self.alpha = alpha
        }
    }

    /// All buffers of a row together, each rounded up to ``columnStep``, have at most 2^20 columns.
    package static let maxColumnCount = 1 << 20
    /// Buffers start and end at multiples of this many columns.
    package static let columnStep = 16

    /// Columns of each buffer. The first is the row itself.
    package let widths: [Int]
    /// In the order in which they are computed.
    package let layers: [Layer]
    /// The margins.
    package let output: Place

    /// - Throws: ``NetworkError`` with the first layer at fault.
    package init(widths: [Int], layers: [Layer], output: Place) throws(NetworkError) {
        guard let featureCount = widths.first, widths.allSatisfy({ $0 >= 0 && $0 <= Self.maxColumnCount }) else {
            throw .width
        }
        var columnCount = 0
        for width in widths {
            columnCount += Self.rounded(width)
            guard columnCount <= Self.maxColumnCount else { throw .tooManyColumns }
        }
        // Columns are written in rising order, so that one number for each buffer says what may be read.
        var written = [featureCount] + Array(repeating: 0, count: widths.count - 1)
        func isReadable(_ place: Place) -> Bool {
            written.indices.contains(place.buffer) && place.first >= 0 && place.count > 0
                && place.count <= written[place.buffer] - place.first
        }
        for (index, layer) in layers.enumerated() {
            guard isReadable(layer.input), layer.second.map(isReadable) ?? true else { throw .input(layer: index) }
            let output = layer.output
            guard widths.indices.contains(output.buffer), output.buffer > 0, output.count > 0,
                output.first == written[output.buffer], output.count <= widths[output.buffer] - output.first
            else { throw .output(layer: index) }
            guard layer.isShapeSound else { throw .shape(layer: index) }
            written[output.buffer] += output.count
        }
        guard isReadable(output) else { throw .result }
        self.widths = widths
        self.layers = layers
        self.output = output
    }

    package var featureCount: Int { widths[0] }

    package static func rounded(_ width: Int) -> Int { (width + columnStep - 1) / columnStep * columnStep }
}

extension Network.Layer {
    /// Whether the operation's constants fit its places.
    fileprivate var isShapeSound: Bool {
        let (inputs, outputs) = (input.count, output.count)
        if case .combine = operation {} else if second != nil { return false }
        switch operation {
        case .dense(let weights, let bias):
            // Kernels write whole panels: a buffer of its own.
            let (count, overflows) = inputs.multipliedReportingOverflow(by: outputs)
            return !overflows && weights.count == count && bias.count == outputs && output.first == 0
        case .embedding(let table, let rowCount):
            let (count, overflows) = rowCount.multipliedReportingOverflow(by: outputs / inputs)
            return rowCount > 0 && rowCount <= Network.maxTableRowCount && outputs.isMultiple(of: inputs)
                && outputs >= inputs && !overflows && table.count == count
        case .select(let columns):
            return columns.count == outputs && columns.allSatisfy { $0 >= 0 && $0 < inputs }
        case .arithmetic(_, let constants): return constants.count == outputs && inputs == outputs
        case .combine:
            guard let second else { return false }
            return inputs == outputs && (second.count == outputs || second.count == 1)
        case .softmax, .normalize: return inputs == outputs
        case .impute(let values, _): return values.count == outputs && inputs == outputs
        }
    }
}

extension Network {
    /// Float32 tells whole numbers apart up to here.
    package static let maxTableRowCount = 1 << 24
}
