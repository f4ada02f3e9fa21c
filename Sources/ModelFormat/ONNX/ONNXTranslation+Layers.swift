import ModelTypes

// Operators that compute.

extension ONNXTranslation {
    /// Gemm and MatMul with constant weights.
    mutating func multiply(_ node: ONNXNode) throws(ModelFormatError) {
        let rows = try vectors(node)
        let matrix = try constant(node, 1)
        guard matrix.shape.count == 2, case .floats(let stored) = matrix.values else {
            throw node.unsupported("weights of \(matrix.shape.count) dimensions")
        }
        guard node.integer("transA", 0) == 0 else { throw node.unsupported("transA") }
        let isTransposed = node.integer("transB", 0) != 0
        let (inputs, outputs) = isTransposed ? (matrix.shape[1], matrix.shape[0]) : (matrix.shape[0], matrix.shape[1])
        guard inputs == rows.count, outputs > 0 else { throw node.inconsistent("the shape of the weights") }
        let (alpha, beta) = (node.float("alpha", 1), node.float("beta", 1))
        try spend(stored.count + outputs, node)
        var bias = [Float](repeating: 0, count: outputs)
        if has(node, 2) {
            let constants = try spread(constant(node, 2), over: [outputs], node)
            for index in bias.indices { bias[index] = constants[index] * beta }
        }
        let weights = Self.weights(stored, inputs: inputs, outputs: outputs, isTransposed, alpha)
        try appendDense(node, output(node), rows, weights, bias)
    }

    mutating func appendDense(
        _ node: ONNXNode, _ name: String, _ rows: ONNXRows, _ weights: [Float], _ bias: [Float],
        activation: Network.Activation = .none
    ) throws(ModelFormatError) {
        let place = try append(
            .dense(weights: weights, bias: bias), place(of: rows), width: bias.count, activation: activation,
            at: node.offset)
        set(name, .rows(ONNXRows(shape: [bias.count], source: .place(place))))
    }

    /// [inputs, outputs] times alpha, whichever way they were stored.
    static func weights(
        _ stored: [Float], inputs: Int, outputs: Int, _ isTransposed: Bool, _ alpha: Float
    ) -> [Float] {
        var weights = stored
        if isTransposed {
            for output in 0..<outputs {
                for input in 0..<inputs { weights[input * outputs + output] = stored[output * inputs + input] }
            }
        }
        if alpha != 1 { for index in weights.indices { weights[index] *= alpha } }
        return weights
    }

    /// A constant for each number of the rows, repeated as the broadcasting of ONNX has it.
    func spread(_ tensor: ONNXTensor, over shape: [Int], _ node: ONNXNode) throws(ModelFormatError) -> [Float] {
        guard tensor.shape.count <= shape.count + 1 else { throw node.unsupported("a constant of more dimensions") }
        let count = shape.reduce(1, *)
        let core = Array(tensor.shape.drop { $0 == 1 })
        let floats = tensor.floats
        guard core.count <= shape.count, core == Array(shape.suffix(core.count)), !floats.isEmpty else {
            throw node.unsupported("a constant of another shape")
        }
        var result: [Float] = []
        result.reserveCapacity(count)
        while result.count < count { result += floats }
        return result
    }

    /// Add, Sub, Mul, Div.
    mutating func calculate(_ node: ONNXNode, _ arithmetic: Network.Arithmetic) throws(ModelFormatError) {
        guard node.inputs.count == 2 else { throw node.inconsistent("the number of inputs") }
        switch (try value(node, 0), try value(node, 1)) {
        case (.rows, .constant(let tensor)): try calculate(node, arithmetic, row: 0, tensor)
        case (.constant(let tensor), .rows): try calculate(node, Self.turned(arithmetic), row: 1, tensor)
        case (.rows, .rows): try combine(node, arithmetic)
        // What some converters put behind the trees.
        case (.forest(let forest), .constant(let tensor))
        where arithmetic == .multiply && tensor.floats.allSatisfy({ $0 == 1 }):
            try set(output(node), .forest(forest))
        case (.forest, _), (_, .forest): throw node.unsupported("trees as input")
        default: throw node.unsupported("the inputs")
        }
    }

    private static func turned(_ arithmetic: Network.Arithmetic) -> Network.Arithmetic {
        switch arithmetic {
        case .subtract: .subtractFrom
        case .divide: .divideInto
        default: arithmetic
        }
    }

    private mutating func calculate(
        _ node: ONNXNode, _ arithmetic: Network.Arithmetic, row: Int, _ tensor: ONNXTensor
    ) throws(ModelFormatError) {
        let rows = try rows(node, row)
        let constants = try spread(tensor, over: rows.shape, node)
        // A bias that is added behind a product belongs to it.
        if arithmetic == .add, let last = lastLayer(making: node, row),
            case .dense(let weights, let bias) = last.operation
        {
            let sums = zip(bias, constants).map { $0 + $1 }
            replaceLast(.dense(weights: weights, bias: sums), activation: .none)
            return try set(output(node), .rows(rows))
        }
        let place = try append(
            .arithmetic(arithmetic, constants), place(of: rows), width: constants.count, at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }

    private mutating func combine(_ node: ONNXNode, _ arithmetic: Network.Arithmetic) throws(ModelFormatError) {
        var (left, right) = (try rows(node, 0), try rows(node, 1))
        var arithmetic = arithmetic
        if left.count == 1, right.count > 1 {
            (left, right) = (right, left)
            arithmetic = Self.turned(arithmetic)
        }
        // Shapes are aligned from their ends: with fewer dimensions, rows would meet columns.
        guard left.shape == right.shape || right.count == 1 && right.shape.count == left.shape.count else {
            throw node.unsupported("inputs of different shapes")
        }
        let places = (try place(of: left), try place(of: right))
        let place = try append(
            .combine(arithmetic), places.0, second: places.1, width: left.count, at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: left.shape, source: .place(place))))
    }

    mutating func activate(
        _ node: ONNXNode, _ activation: Network.Activation, alpha: Float = 0
    ) throws(ModelFormatError) {
        let name = try output(node)
        if case .forest(var result) = try value(node, 0) {
            guard result.transform == .identity, activation == .sigmoid || activation == .exponential else {
                throw node.unsupported("trees as input")
            }
            result.transform = activation == .sigmoid ? .logistic : .exponential
            return set(name, .forest(result))
        }
        let rows = try rows(node)
        if let last = lastLayer(making: node, 0) {
            replaceLast(last.operation, activation: activation, alpha: alpha)
            return set(name, .rows(ONNXRows(shape: rows.shape, source: rows.source)))
        }
        let columns = try select(all: rows, node)
        let place = try append(
            columns, place(of: rows), width: rows.count, activation: activation, alpha: alpha, at: node.offset)
        set(name, .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }

    /// The operation that copies.
    private mutating func select(all rows: ONNXRows, _ node: ONNXNode) throws(ModelFormatError) -> Network.Operation {
        try spend(rows.count, node)
        return .select((0..<Int32(rows.count)).map { $0 })
    }

    mutating func softmax(_ node: ONNXNode) throws(ModelFormatError) {
        let rows = try vectors(node)
        guard [1, -1].contains(node.integer("axis", -1)) else { throw node.unsupported("the axis") }
        let place = try append(.softmax, place(of: rows), width: rows.count, at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }

    /// x·a + b, where a and b are worked out once as ONNX Runtime does; within a product where there is one in front.
    mutating func normalizeBatch(_ node: ONNXNode) throws(ModelFormatError) {
        guard node.integer("training_mode", 0) == 0 else { throw node.unsupported("training mode") }
        let rows = try vectors(node)
        let width = rows.count
        var parts: [[Float]] = []
        for index in 1...4 {
            let floats = try constant(node, index).floats
            guard floats.count == width else { throw node.inconsistent("a constant's shape") }
            parts.append(floats)
        }
        let epsilon = node.float("epsilon", 1e-5)
        let factors = (0..<width).map { parts[0][$0] / (parts[3][$0] + epsilon).squareRoot() }
        let offsets = (0..<width).map { parts[1][$0] - parts[2][$0] * factors[$0] }
        if let last = lastLayer(making: node, 0), case .dense(var weights, let bias) = last.operation {
            try spend(weights.count, node)
            for index in weights.indices { weights[index] *= factors[index % width] }
            let sums = (0..<width).map { bias[$0] * factors[$0] + offsets[$0] }
            replaceLast(.dense(weights: weights, bias: sums), activation: .none)
            return try set(output(node), .rows(rows))
        }
        let scaled = try append(.arithmetic(.multiply, factors), place(of: rows), width: width, at: node.offset)
        let place = try append(.arithmetic(.add, offsets), scaled, width: width, at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }
}
