import Names

/// The attributes of the operators that are translated: which are read, as what, and which have no effect on predictions.
///
/// Source: `docs/Operators.md`, `docs/Operators-ml.md` and their changelogs of the ONNX project, in all versions.
struct ONNXAttributes {
    /// Raw values are those of `AttributeProto.AttributeType`.
    enum Kind: Int {
        case float = 1
        case integer = 2
        case text = 3
        case tensor = 4
        case floats = 6
        case integers = 7
        case texts = 8
        /// A graph, or whatever else is not read.
        case other = -1
    }

    let read: [Name: Kind]
    let withoutEffect: [Name]

    private init(_ read: [Name: Kind] = [:], withoutEffect: [Name] = []) {
        self.read = read
        self.withoutEffect = withoutEffect
    }

    /// In the oldest versions which buffers an operator could use again, and whether shapes may be broadcast, which they may since.
    private static let old: [Name] = ["consumed_inputs", "broadcast"]
    private static let activation = ONNXAttributes(withoutEffect: old)
    private static let arithmetic = ONNXAttributes(withoutEffect: old)
    private static let labels: [Name: Kind] = ["classlabels_strings": .texts, "classlabels_int64s": .integers]

    private static func trees(_ prefix: String, _ own: [Name: Kind]) -> ONNXAttributes {
        let common: [Name: Kind] = [
            "aggregate_function": .text, "base_values": .floats, "base_values_as_tensor": .tensor,
            "nodes_falsenodeids": .integers, "nodes_featureids": .integers, "nodes_modes": .texts,
            "nodes_missing_value_tracks_true": .integers, "nodes_nodeids": .integers, "nodes_treeids": .integers,
            "nodes_truenodeids": .integers, "nodes_values": .floats, "nodes_values_as_tensor": .tensor,
            "post_transform": .text, Name("\(prefix)_ids"): .integers, Name("\(prefix)_nodeids"): .integers,
            Name("\(prefix)_treeids"): .integers, Name("\(prefix)_weights"): .floats,
            Name("\(prefix)_weights_as_tensor"): .tensor,
        ]
        // How often a node was come to in training.
        return ONNXAttributes(
            common.merging(own) { $1 }, withoutEffect: ["nodes_hitrates", "nodes_hitrates_as_tensor"])
    }

    static let ofOperators: [Name: ONNXAttributes] = [
        "Identity": ONNXAttributes(),
        "Dropout": ONNXAttributes(withoutEffect: ["ratio", "seed", "is_test"] + old),
        "Constant": ONNXAttributes([
            "value": .tensor, "value_float": .float, "value_int": .integer, "value_floats": .floats,
            "value_ints": .integers,
        ]),
        // What becomes of numbers too great for float8.
        "Cast": ONNXAttributes(["to": .integer], withoutEffect: ["saturate", "round_mode"]),
        "Shape": ONNXAttributes(["start": .integer, "end": .integer]),
        "Flatten": ONNXAttributes(["axis": .integer]),
        "Reshape": ONNXAttributes(["allowzero": .integer], withoutEffect: old),
        "Squeeze": ONNXAttributes(["axes": .integers]),
        "Unsqueeze": ONNXAttributes(["axes": .integers]),
        "Concat": ONNXAttributes(["axis": .integer]),
        "Gather": ONNXAttributes(["axis": .integer]),
        "Slice": ONNXAttributes(["axes": .integers, "starts": .integers, "ends": .integers]),
        "Gemm": ONNXAttributes(
            ["alpha": .float, "beta": .float, "transA": .integer, "transB": .integer], withoutEffect: old),
        "MatMul": ONNXAttributes(),
        "Add": arithmetic, "Sub": arithmetic, "Mul": arithmetic, "Div": arithmetic,
        "Relu": activation, "Sigmoid": activation, "Tanh": activation, "Exp": activation,
        "LeakyRelu": ONNXAttributes(["alpha": .float], withoutEffect: old),
        "Elu": ONNXAttributes(["alpha": .float], withoutEffect: old),
        "Softmax": ONNXAttributes(["axis": .integer]),
        // Of training; whether the statistics are of a channel, which columns of vectors are.
        "BatchNormalization": ONNXAttributes(
            ["epsilon": .float, "training_mode": .integer], withoutEffect: ["momentum", "spatial", "is_test"] + old),
        "TreeEnsembleRegressor": trees("target", ["n_targets": .integer]),
        "TreeEnsembleClassifier": trees("class", labels),
        "LinearRegressor": ONNXAttributes([
            "coefficients": .floats, "intercepts": .floats, "post_transform": .text, "targets": .integer,
        ]),
        // Scores are of each class by itself, whatever it was trained against.
        "LinearClassifier": ONNXAttributes(
            [
                "classlabels_ints": .integers, "classlabels_strings": .texts, "coefficients": .floats,
                "intercepts": .floats, "post_transform": .text,
            ], withoutEffect: ["multi_class"]),
        "Scaler": ONNXAttributes(["offset": .floats, "scale": .floats]),
        "Normalizer": ONNXAttributes(["norm": .text]),
        "Imputer": ONNXAttributes(["imputed_value_floats": .floats, "replaced_value_float": .float]),
        "ArrayFeatureExtractor": ONNXAttributes(),
        "FeatureVectorizer": ONNXAttributes(["inputdimensions": .integers]),
        "ZipMap": ONNXAttributes(labels),
    ]
}
