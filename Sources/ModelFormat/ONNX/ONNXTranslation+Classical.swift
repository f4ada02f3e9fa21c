import ModelTypes
import Names

// Operators of `ai.onnx.ml` other than trees: linear models and the preparation of features.

extension ONNXTranslation {
    /// What a linear operator does with its scores.
    private static func activation(_ node: ONNXNode) throws(ModelFormatError) -> (Network.Activation, isSoftmax: Bool) {
        switch node.text("post_transform", "NONE") {
        case "NONE": (.none, false)
        case "LOGISTIC": (.sigmoid, false)
        case "SOFTMAX": (.none, true)
        default: throw node.unsupported("post_transform \(node.text("post_transform", "").prefix(64))")
        }
    }

    mutating func regressLinearly(_ node: ONNXNode) throws(ModelFormatError) {
        let count = node.integer("targets", 1)
        guard count > 0, count <= limits.maxMarginCount else { throw node.inconsistent("the number of targets") }
        try appendLinear(node, output(node), count)
    }

    /// Scores of one class or all; for one score and two labels the pair 1 - p, p.
    mutating func classifyLinearly(_ node: ONNXNode) throws(ModelFormatError) {
        let labels = node.texts("classlabels_strings") + node.integers("classlabels_ints").map { "\($0)" }
        setLabels(labels)
        if let label = node.outputs.first, !label.isEmpty { set(label, .label) }
        let count = node.floats("intercepts").count
        guard count > 0, count <= limits.maxMarginCount else { throw node.inconsistent("the intercepts") }
        guard node.outputs.count > 1 else { return }
        let name = try output(node, 1)
        guard count == 1, labels.count == 2 else { return try appendLinear(node, name, count) }
        try appendLinear(node, name, count)
        guard case .rows(let scores)? = values[Name(name)] else { return }
        let score = try place(of: scores)
        // Both scores side by side: 1 - p is computed from p, as the operator does.
        let pair = try buffer(2, at: node.offset)
        append(
            Network.Layer(.arithmetic(.subtractFrom, [1]), input: score, output: Network.Place(buffer: pair, count: 1)))
        append(Network.Layer(.select([0]), input: score, output: Network.Place(buffer: pair, first: 1, count: 1)))
        set(name, .rows(ONNXRows(shape: [2], source: .place(Network.Place(buffer: pair, count: 2)))))
    }

    /// Coefficients are [outputs, inputs].
    private mutating func appendLinear(_ node: ONNXNode, _ name: String, _ count: Int) throws(ModelFormatError) {
        let rows = try vectors(node)
        let coefficients = node.floats("coefficients")
        let (expected, overflows) = rows.count.multipliedReportingOverflow(by: count)
        guard !overflows, coefficients.count == expected else { throw node.inconsistent("the coefficients") }
        var intercepts = node.floats("intercepts")
        if intercepts.isEmpty { intercepts = Array(repeating: 0, count: count) }
        guard intercepts.count == count else { throw node.inconsistent("the intercepts") }
        let (activation, isSoftmax) = try Self.activation(node)
        try spend(coefficients.count + count, node)
        let weights = Self.weights(coefficients, inputs: rows.count, outputs: count, true, 1)
        try appendDense(node, name, rows, weights, intercepts, activation: activation)
        guard isSoftmax, case .rows(let scores)? = values[Name(name)] else { return }
        let place = try append(.softmax, place(of: scores), width: count, at: node.offset)
        set(name, .rows(ONNXRows(shape: [count], source: .place(place))))
    }

    /// (x - offset)·scale, each rounded.
    mutating func scale(_ node: ONNXNode) throws(ModelFormatError) {
        let rows = try vectors(node)
        func constants(_ name: String) throws(ModelFormatError) -> [Float] {
            let floats = node.floats(name)
            guard floats.count == rows.count || floats.count == 1 else { throw node.inconsistent("attribute \(name)") }
            return floats.count == 1 ? Array(repeating: floats[0], count: rows.count) : floats
        }
        let (offsets, factors) = (try constants("offset"), try constants("scale"))
        let shifted = try append(
            .arithmetic(.subtract, offsets), place(of: rows), width: rows.count, at: node.offset)
        let place = try append(.arithmetic(.multiply, factors), shifted, width: rows.count, at: node.offset)
        var result = ONNXRows(shape: rows.shape, source: .place(place))
        if case .features(let features) = rows.source {
            let scales = zip(offsets, factors).compactMap { ONNXScale(offset: $0, factor: $1) }
            if scales.count == features.count { result.scaled = (features, scales) }
        }
        try set(output(node), .rows(result))
    }

    mutating func normalize(_ node: ONNXNode) throws(ModelFormatError) {
        let name = try output(node)
        let norm: Network.Norm
        switch node.text("norm", "MAX") {
        case "L1": norm = .l1
        case "L2": norm = .l2
        default: throw node.unsupported("norm \(node.text("norm", "MAX").prefix(64))")
        }
        let rows = try vectors(node)
        let place = try append(.normalize(norm), place(of: rows), width: rows.count, at: node.offset)
        set(name, .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }

    mutating func impute(_ node: ONNXNode) throws(ModelFormatError) {
        let rows = try vectors(node)
        let values = node.floats("imputed_value_floats")
        guard values.count == rows.count || values.count == 1 else { throw node.unsupported("the values") }
        let constants = values.count == 1 ? Array(repeating: values[0], count: rows.count) : values
        let place = try append(
            .impute(constants, replaced: node.float("replaced_value_float", .nan)), place(of: rows), width: rows.count,
            at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: rows.shape, source: .place(place))))
    }
}
