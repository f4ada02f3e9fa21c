/// How the tensors of a request make up its rows.
///
/// One tensor `[rows, features]` of any name holds whole rows; one of `[features]` holds one row. Else there is one tensor of
/// `[rows]` or `[rows, 1]` for each feature, by the feature's name. A model of one feature takes `[rows]` under any name.
struct TensorLayout {
    let rowCount: Int
    let placements: [TensorPlacement]

    init(_ inputs: [InputTensor], _ signature: ModelSignature, limitRows: Int) throws(OpenInferenceError) {
        let features = signature.featureCount
        guard let first = inputs.first, let shape = first.shape else {
            throw .field("inputs", "there is none; the model takes \(Self.wanted(signature))")
        }
        if inputs.count == 1 {
            rowCount = try Self.rowCount(ofWhole: shape, signature)
            try Self.check(rowCount, limitRows)
            try Self.checkTexts(first, 0, 0..<features, signature)
            placements = [TensorPlacement(start: 0, stride: 1, count: rowCount * features, width: features)]
            return
        }
        guard inputs.count == features else {
            throw .field("inputs", "there are \(inputs.count); the model takes \(Self.wanted(signature))")
        }
        rowCount = shape.first
        try Self.check(rowCount, limitRows)
        var isTaken = [Bool](repeating: false, count: features)
        var columns: [TensorPlacement] = []
        columns.reserveCapacity(features)
        for (index, input) in inputs.enumerated() {
            guard let column = signature.column(named: input.name, guess: index) else {
                throw .field("inputs[\(index)].name", "the model has no feature \"\(input.name.prefix(100))\"")
            }
            guard !isTaken[column] else {
                throw .field("inputs[\(index)].name", "\"\(input.name.prefix(100))\" stands twice")
            }
            guard let shape = input.shape, shape.isColumn, shape.first == rowCount else {
                throw .field(
                    "inputs[\(index)].shape",
                    "\(input.shape.map { "\($0)" } ?? "none"); here a feature's is [\(rowCount)] or [\(rowCount), 1]")
            }
            try Self.checkTexts(input, index, column..<column + 1, signature)
            isTaken[column] = true
            columns.append(TensorPlacement(start: column, stride: features, count: rowCount, width: 1))
        }
        placements = columns
    }

    /// The rows of a request's only tensor.
    private static func rowCount(ofWhole shape: TensorShape, _ signature: ModelSignature) throws(OpenInferenceError)
        -> Int
    {
        if let width = shape.second, width == signature.featureCount { return shape.first }
        if shape.second == nil, signature.featureCount == 1 { return shape.first }
        if shape.second == nil, shape.first == signature.featureCount { return 1 }
        throw .field("inputs[0].shape", "\(shape); the model takes \(wanted(signature))")
    }

    /// Texts are for features with an encoder alone, and nothing else for those whose integers are texts: a tensor's numbers would
    /// be taken for what a text has become.
    private static func checkTexts(
        _ input: InputTensor, _ index: Int, _ features: Range<Int>, _ signature: ModelSignature
    ) throws(OpenInferenceError) {
        guard input.datatype == .bytes else {
            guard signature.schema.texts != nil else { return }
            for feature in features where signature.schema.encoder(of: feature)?.readsIntegers(feature) == true {
                throw .field(
                    "inputs[\(index)].datatype",
                    "\(input.datatype?.rawValue ?? ""): feature \"\(signature.featureName(feature))\" takes BYTES")
            }
            return
        }
        for feature in features where signature.schema.encoder(of: feature) == nil {
            throw .field(
                "inputs[\(index)].datatype", "BYTES: feature \"\(signature.featureName(feature))\" takes numbers")
        }
    }

    private static func check(_ rowCount: Int, _ limitRows: Int) throws(OpenInferenceError) {
        guard rowCount > 0 else { throw .rows(.noRows) }
        guard rowCount <= limitRows else { throw .rows(.tooManyRows(limit: limitRows)) }
    }

    private static func wanted(_ signature: ModelSignature) -> String {
        let count = signature.featureCount
        return count == 1
            ? "one tensor of [rows, 1] or [rows]"
            : "one tensor of [rows, \(count)] or [\(count)], or one of [rows] for each of its \(count) features by name"
    }
}
