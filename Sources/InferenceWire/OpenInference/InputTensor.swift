/// A tensor of a request as its head tells it; its elements are still where the request has them.
struct InputTensor {
    enum Content: Equatable {
        case absent
        /// Already in the rows.
        case taken
        /// A JSON array, by its place in the body.
        case json(Range<Int>)
        /// A binary tensor behind the JSON, by its size; its place follows from the tensors before it.
        case sized(Int)
        /// A binary tensor, by its place.
        case raw(Range<Int>)
        /// An `InferTensorContents` message, by its place.
        case typed(Range<Int>)
    }

    var name = ""
    var datatype: TensorDatatype?
    var shape: TensorShape?
    var content = Content.absent
}

/// One or two dimensions: all that rows of features need.
struct TensorShape: Equatable, CustomStringConvertible {
    var first: Int
    var second: Int?

    /// A dimension's bound, so that no product of two overflows.
    static let limit = Int(Int32.max)

    var elementCount: Int { first * (second ?? 1) }

    /// Whether it holds one element a row.
    var isColumn: Bool { second == nil || second == 1 }

    var description: String { second.map { "[\(first), \($0)]" } ?? "[\(first)]" }

    /// - Throws: a refusal of the field when the dimensions are not one or two of a sensible size.
    init(_ dimensions: (count: Int, first: Int64, second: Int64), field: @autoclosure () -> String)
        throws(OpenInferenceError)
    {
        guard (1...2).contains(dimensions.count) else {
            throw .field(
                field(), "\(dimensions.count) dimensions; take [rows, features], [features] or, by feature, [rows]")
        }
        for size in [dimensions.first, dimensions.count == 2 ? dimensions.second : 0]
        where !(0...Int64(Self.limit)).contains(size) {
            throw .field(field(), "a dimension of \(size)")
        }
        first = Int(dimensions.first)
        second = dimensions.count == 2 ? Int(dimensions.second) : nil
    }
}

/// Where a tensor's elements go in the rows: element i to `start + i * stride`.
struct TensorPlacement: Equatable {
    let start: Int
    let stride: Int
    let count: Int
    /// Elements of an inner array where the data is nested.
    let width: Int

    /// The row and column, from 1, of an element.
    func place(of index: Int) -> (row: Int, column: Int) {
        stride == 1 ? (index / width + 1, index % width + 1) : (index + 1, start + 1)
    }

    /// The feature of an element.
    func feature(of index: Int) -> Int { place(of: index).column - 1 }
}
