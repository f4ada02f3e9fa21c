import ModelTypes

/// What a name of the graph stands for while the graph is translated.
enum ONNXValue {
    case constant(ONNXTensor)
    /// Numbers of each row.
    case rows(ONNXRows)
    /// A shape that was asked for: nil is the number of rows.
    case shape([Int?])
    /// The result of a tree ensemble.
    case forest(ONNXForest)
    /// Something that no prediction needs: the label of the most probable class.
    case label
}

/// Numbers of each row, and where they are.
struct ONNXRows {
    enum Source {
        /// Features of the row by number, untouched.
        case features([Int32])
        /// What a layer wrote.
        case place(Network.Place)
    }

    /// Dimensions behind the rows; their product is how many numbers a row has.
    var shape: [Int]
    var source: Source
    /// Cut to integers by a Cast, which only look-ups may then use.
    var isCut = false
    /// The features and their scales where this is what a Scaler made of features: trees can do without it.
    var scaled: (features: [Int32], scales: [ONNXScale])?

    var count: Int { shape.reduce(1, *) }
}

/// A translated tree ensemble.
struct ONNXForest {
    var forest: Forest
    var transform: OutputTransform
    var objective: String
}
