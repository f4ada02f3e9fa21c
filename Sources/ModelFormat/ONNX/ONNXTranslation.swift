import ModelTypes
import Names

/// Follows the graph's operators in their order, as far as the predictions need them, and builds a network or a forest.
///
/// Source: the operators' definitions in `docs/Operators.md` and `docs/Operators-ml.md` of the ONNX project.
struct ONNXTranslation {
    let file: ONNXFile
    let limits: ModelLimits
    /// Where the file ends.
    let end: Int

    private(set) var values: [Name: ONNXValue] = [:]
    /// How often a name is read.
    private var useCounts: [Name: Int] = [:]
    private(set) var widths: [Int] = []
    private var columnCount = 0
    private(set) var layers: [Network.Layer] = []
    private var featureNames: [String] = []
    private(set) var classLabels: [String] = []
    /// How many numbers may yet be copied out of constants, so that memory stays a small multiple of the file.
    private var copyBudget: Int

    init(_ file: ONNXFile, limits: ModelLimits, end: Int) throws(ModelFormatError) {
        self.file = file
        self.limits = limits
        self.end = end
        copyBudget = (1 << 20) + 4 * file.constantCount
        for (name, tensor) in file.initializers { values[name] = .constant(tensor) }
        try placeInputs()
    }

    // MARK: Inputs and the output

    /// The inputs' columns, one behind the other, are the features.
    private mutating func placeInputs() throws(ModelFormatError) {
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError { ModelFormatError(reason, at: end) }
        var first = 0
        for input in file.inputs {
            guard input.element != .double else { throw refuse(.unsupported("float64 input \(input.name.prefix(64))")) }
            guard input.element != .string else {
                throw refuse(.unsupported("input \(input.name.prefix(64)), which is no tensor of numbers"))
            }
            var count = 1
            var shape: [Int] = []
            for dimension in input.shape {
                guard let dimension, dimension > 0 else {
                    throw refuse(.unsupported("input \(input.name.prefix(64)) of unknown width"))
                }
                count *= dimension
                guard count <= limits.maxFeatureCount else { throw refuse(.tooLarge("features")) }
                shape.append(dimension)
            }
            guard count <= limits.maxFeatureCount - first else { throw refuse(.tooLarge("features")) }
            guard
                values.updateValue(
                    .rows(ONNXRows(shape: shape, source: .features((first..<first + count).map { Int32($0) }))),
                    forKey: Name(input.name)) == nil
            else { throw refuse(.inconsistent("input \(input.name.prefix(64)), given twice")) }
            if count == 1 {
                featureNames.append(input.name)
            } else {
                featureNames += (0..<count).map { "\(input.name).\($0)" }
            }
            first += count
        }
        guard first > 0 else { throw refuse(.inconsistent("no inputs")) }
        // The columns of one matrix have no names of their own.
        if file.inputs.count == 1, first > 1 { featureNames = [] }
        if Set(featureNames.map { Name($0) }).count != featureNames.count { featureNames = [] }
        widths = [first]
    }

    /// The one output of numbers; of several, the one that is called probabilities.
    private func outputName() throws(ModelFormatError) -> String {
        let numbers = file.outputs.filter { $0.element == nil || $0.element == .float }
        if numbers.count == 1 { return numbers[0].name }
        let named = numbers.filter { $0.name.containsBytes(of: "probabilit") }
        if named.count == 1 { return named[0].name }
        guard numbers.isEmpty else {
            let names = numbers.prefix(8).map { String($0.name.prefix(64)) }.joined(separator: ", ")
            throw ModelFormatError(.unsupported("several outputs: \(names)"), at: end)
        }
        throw ModelFormatError(.unsupported("a graph without an output of float32"), at: end)
    }

    /// Which operators the output needs, and how often each name is read by them.
    private mutating func neededNodes(for output: String) throws(ModelFormatError) -> [Bool] {
        var makers: [Name: Int] = [:]
        for (index, node) in file.nodes.enumerated() {
            for name in node.outputs where !name.isEmpty {
                guard makers.updateValue(index, forKey: Name(name)) == nil, values[Name(name)] == nil else {
                    throw node.inconsistent("a name that is given twice: output \(name.prefix(64))")
                }
            }
        }
        var isNeeded = [Bool](repeating: false, count: file.nodes.count)
        var open = [output]
        useCounts[Name(output)] = 1
        while let name = open.popLast() {
            guard let index = makers[Name(name)], !isNeeded[index] else { continue }
            isNeeded[index] = true
            for input in file.nodes[index].inputs where !input.isEmpty {
                useCounts[Name(input), default: 0] += 1
                open.append(input)
            }
        }
        return isNeeded
    }

    mutating func description() throws(ModelFormatError) -> ModelDescription {
        let output = try outputName()
        let isNeeded = try neededNodes(for: output)
        for (node, isNeeded) in zip(file.nodes, isNeeded) where isNeeded { try translate(node) }
        let source = ModelSource(format: .onnx, writerVersion: String(file.producer.prefix(256)))
        switch values[Name(output)] {
        case .forest(let result):
            return ModelDescription(
                predictor: .forest(result.forest), featureNames: featureNames, transform: result.transform,
                objective: result.objective, bestIteration: nil, source: source,
                classLabels: labels(for: result.transform.outputCount(marginCount: result.forest.marginCount)))
        case .rows(let rows):
            let (network, transform) = try finished(rows, output)
            return ModelDescription(
                predictor: .network(network), featureNames: featureNames, transform: transform, objective: "network",
                bestIteration: nil, source: source,
                classLabels: labels(for: transform.outputCount(marginCount: network.output.count)))
        default:
            throw ModelFormatError(.inconsistent("output \(output.prefix(64)), which no operator gives"), at: end)
        }
    }

    private func labels(for outputCount: Int) -> [String] { classLabels.count == outputCount ? classLabels : [] }

    /// The network, and what its last operator is as a transform of its margins.
    private mutating func finished(
        _ rows: ONNXRows, _ output: String
    ) throws(ModelFormatError) -> (Network, OutputTransform) {
        guard !rows.isCut else { throw ModelFormatError(.unsupported("an output of integers"), at: end) }
        guard rows.count <= limits.maxMarginCount else { throw ModelFormatError(.tooLarge("outputs"), at: end) }
        var place = try place(of: rows)
        var transform = OutputTransform.identity
        if let last = layers.last, last.output == place, isOnlyUse(of: output) {
            switch (last.operation, last.activation) {
            case (.softmax, .none):
                transform = .softmax
                layers.removeLast()
                place = last.input
            case (_, .sigmoid), (_, .exponential):
                transform = last.activation == .sigmoid ? .logistic : .exponential
                replaceLast(last.operation, activation: .none)
            default: break
            }
        }
        do throws(NetworkError) {
            return (try Network(widths: widths, layers: layers, output: place), transform)
        } catch { throw ModelFormatError(.network(error), at: end) }
    }

    // MARK: What translations of operators use

    func isOnlyUse(of name: String) -> Bool { useCounts[Name(name)] == 1 }

    mutating func set(_ name: String, _ value: ONNXValue) { values[Name(name)] = value }

    mutating func setLabels(_ labels: [String]) { if classLabels.isEmpty { classLabels = labels } }

    /// Whether the operator has an input of this number.
    func has(_ node: ONNXNode, _ index: Int) -> Bool { index < node.inputs.count && !node.inputs[index].isEmpty }

    func value(_ node: ONNXNode, _ index: Int) throws(ModelFormatError) -> ONNXValue {
        guard has(node, index) else { throw node.inconsistent("the number of inputs") }
        let name = node.inputs[index]
        guard let value = values[Name(name)] else {
            if file.otherInitializers.contains(Name(name)) {
                throw node.unsupported("the type of constant \(name.prefix(64))")
            }
            throw node.inconsistent("input \(name.prefix(64)), which comes from nowhere")
        }
        return value
    }

    func rows(_ node: ONNXNode, _ index: Int = 0) throws(ModelFormatError) -> ONNXRows {
        switch try value(node, index) {
        case .rows(let rows):
            guard !rows.isCut else { throw node.unsupported("integers cut by Cast as input") }
            return rows
        case .forest: throw node.unsupported("trees as input")
        default: throw node.unsupported("an input that does not depend on the row")
        }
    }

    /// Rows whose every row is one vector.
    func vectors(_ node: ONNXNode, _ index: Int = 0) throws(ModelFormatError) -> ONNXRows {
        let rows = try rows(node, index)
        guard rows.shape.count == 1 else { throw node.unsupported("an input of \(rows.shape.count + 1) dimensions") }
        return rows
    }

    func constant(_ node: ONNXNode, _ index: Int) throws(ModelFormatError) -> ONNXTensor {
        guard case .constant(let tensor) = try value(node, index) else {
            throw node.unsupported("an input \(index) that is no constant")
        }
        return tensor
    }

    func integers(_ node: ONNXNode, _ index: Int) throws(ModelFormatError) -> [Int] {
        guard let integers = try constant(node, index).integers else { throw node.inconsistent("a constant's type") }
        return integers
    }

    func output(_ node: ONNXNode, _ index: Int = 0) throws(ModelFormatError) -> String {
        guard index < node.outputs.count else { throw node.inconsistent("the number of outputs") }
        return node.outputs[index]
    }

    /// Takes from what may be copied.
    mutating func spend(_ count: Int, _ node: ONNXNode) throws(ModelFormatError) {
        guard count <= copyBudget else {
            throw ModelFormatError(.tooLarge("constants, used again and again"), at: node.offset)
        }
        copyBudget -= count
    }

    // MARK: Layers

    /// A new buffer.
    mutating func buffer(_ width: Int, at offset: Int) throws(ModelFormatError) -> Int {
        guard width > 0, width <= Network.maxColumnCount - columnCount else {
            throw ModelFormatError(.tooLarge("columns"), at: offset)
        }
        columnCount += Network.rounded(width)
        widths.append(width)
        return widths.count - 1
    }

    mutating func append(_ layer: Network.Layer) { layers.append(layer) }

    /// A layer with a buffer of its own.
    mutating func append(
        _ operation: Network.Operation, _ input: Network.Place, second: Network.Place? = nil, width: Int,
        activation: Network.Activation = .none, alpha: Float = 0, at offset: Int
    ) throws(ModelFormatError) -> Network.Place {
        let output = Network.Place(buffer: try buffer(width, at: offset), count: width)
        layers.append(
            Network.Layer(
                operation, input: input, second: second, output: output, activation: activation, alpha: alpha))
        return output
    }

    mutating func replaceLast(_ operation: Network.Operation, activation: Network.Activation, alpha: Float = 0) {
        let last = layers.removeLast()
        layers.append(
            Network.Layer(
                operation, input: last.input, second: last.second, output: last.output, activation: activation,
                alpha: alpha))
    }

    /// Where the rows' numbers are; features that do not lie side by side are brought together.
    mutating func place(of rows: ONNXRows) throws(ModelFormatError) -> Network.Place {
        switch rows.source {
        case .place(let place): return place
        case .features(let features):
            guard let first = features.first else { throw ModelFormatError(.inconsistent("an empty tensor"), at: end) }
            if features.enumerated().allSatisfy({ $1 == first + Int32($0) }) {
                return Network.Place(buffer: 0, first: Int(first), count: features.count)
            }
            return try append(
                .select(features), Network.Place(buffer: 0, count: widths[0]), width: features.count, at: end)
        }
    }

    /// The last layer, when it made this input of the node, nothing else reads it, and it is not activated yet: then it can take
    /// the node's work into itself.
    func lastLayer(making node: ONNXNode, _ index: Int) -> Network.Layer? {
        guard case .rows(let rows)? = values[Name(node.inputs[index])], case .place(let place) = rows.source,
            let last = layers.last, last.output == place, last.activation == .none, isOnlyUse(of: node.inputs[index])
        else { return nil }
        return last
    }
}
