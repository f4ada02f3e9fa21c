import ModelTypes

// Which operator is translated where, and those that only pass their input on.

extension ONNXTranslation {
    mutating func translate(_ node: ONNXNode) throws(ModelFormatError) {
        try node.checkAttributes()
        switch node.domain {
        case "": try translateTensors(node)
        case "ai.onnx.ml": try translateClassical(node)
        default: throw refused(node)
        }
    }

    func refused(_ node: ONNXNode) -> ModelFormatError {
        let name = node.domain.isEmpty ? node.operation : "\(node.domain).\(node.operation)"
        return ModelFormatError(.unsupported("operator \(name.prefix(128))"), at: node.offset)
    }

    private mutating func translateTensors(_ node: ONNXNode) throws(ModelFormatError) {
        switch node.operation {
        case "Identity", "Dropout": try pass(node)
        case "Constant": try set(output(node), constantOf(node))
        case "Cast": try cast(node)
        case "Shape": try shape(node)
        case "Flatten", "Reshape", "Squeeze", "Unsqueeze": try reshape(node)
        case "Concat": try concatenate(node)
        case "Gather": try gather(node)
        case "Slice": try slice(node)
        case "Gemm", "MatMul": try multiply(node)
        case "Add": try calculate(node, .add)
        case "Sub": try calculate(node, .subtract)
        case "Mul": try calculate(node, .multiply)
        case "Div": try calculate(node, .divide)
        case "Relu": try activate(node, .relu)
        case "Sigmoid": try activate(node, .sigmoid)
        case "Tanh": try activate(node, .tanh)
        case "LeakyRelu": try activate(node, .leakyRelu, alpha: node.float("alpha", 0.01))
        case "Elu": try activate(node, .elu, alpha: node.float("alpha", 1))
        case "Exp": try activate(node, .exponential)
        case "Softmax": try softmax(node)
        case "BatchNormalization": try normalizeBatch(node)
        default: throw refused(node)
        }
    }

    private mutating func translateClassical(_ node: ONNXNode) throws(ModelFormatError) {
        switch node.operation {
        case "TreeEnsembleRegressor": try translateTrees(node, isClassifier: false)
        case "TreeEnsembleClassifier": try translateTrees(node, isClassifier: true)
        case "LinearRegressor": try regressLinearly(node)
        case "LinearClassifier": try classifyLinearly(node)
        case "Scaler": try scale(node)
        case "Normalizer": try normalize(node)
        case "Imputer": try impute(node)
        case "ArrayFeatureExtractor": try gather(node, axis: -1)
        case "FeatureVectorizer": try concatenate(node, axis: 1)
        case "ZipMap":
            let labels = node.texts("classlabels_strings") + node.integers("classlabels_int64s").map { "\($0)" }
            setLabels(labels)
            try pass(node)
        default: throw refused(node)
        }
    }

    /// The first output is the first input.
    mutating func pass(_ node: ONNXNode) throws(ModelFormatError) {
        // In training a dropout does something.
        if node.operation == "Dropout", has(node, 2), try constant(node, 2).integers != [0] {
            throw node.unsupported("training mode")
        }
        try set(output(node), value(node, 0))
    }

    private func constantOf(_ node: ONNXNode) throws(ModelFormatError) -> ONNXValue {
        if let tensor = node.tensor("value") { return .constant(tensor) }
        func tensor(_ shape: [Int], _ values: ONNXTensor.Values) -> ONNXValue {
            .constant(ONNXTensor(shape: shape, values: values, offset: node.offset))
        }
        if node.has("value_float") { return tensor([], .floats([node.float("value_float", 0)])) }
        if node.has("value_int") { return tensor([], .integers([Int64(node.integer("value_int", 0))])) }
        let floats = node.floats("value_floats")
        if !floats.isEmpty { return tensor([floats.count], .floats(floats)) }
        let integers = node.integers("value_ints")
        if !integers.isEmpty { return tensor([integers.count], .integers(integers.map { Int64($0) })) }
        throw node.unsupported("the type")
    }

    private mutating func cast(_ node: ONNXNode) throws(ModelFormatError) {
        let name = try output(node)
        let element = ONNXElement(rawValue: node.integer("to", 0))
        switch (try value(node, 0), element) {
        case (.label, _): set(name, .label)
        case (let value, .float): set(name, Self.uncut(value))
        case (.rows(var rows), .int64), (.rows(var rows), .int32):
            rows.isCut = true
            set(name, .rows(rows))
        case (.constant(let tensor), let element?) where element.isInteger && tensor.integers != nil:
            set(name, .constant(tensor))
        case (.shape(let shape), let element?) where element.isInteger: set(name, .shape(shape))
        default: throw node.unsupported("the type")
        }
    }

    /// What is cast to float32: a constant's numbers, and rows as they are.
    private static func uncut(_ value: ONNXValue) -> ONNXValue {
        guard case .constant(var tensor) = value else { return value }
        tensor.values = .floats(tensor.floats)
        return .constant(tensor)
    }
}
