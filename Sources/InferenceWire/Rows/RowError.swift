package import JSONReader

/// Why a request's rows cannot be scored. Its text is what the client is told; rows and columns are counted from 1.
package enum RowError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRows
    case tooManyRows(limit: Int)
    case wrongFieldCount(row: Int, found: Int, expected: Int)
    case notANumber(row: Int, column: Int, text: String)
    case notFinite(row: Int, column: Int)
    case noInstances
    case malformed(JSONError)

    /// The HTTP status that says so.
    package var status: Int {
        if case .tooManyRows = self { 413 } else { 400 }
    }

    package var description: String {
        switch self {
        case .noRows: "the request has no rows"
        case .tooManyRows(let limit): "the request has more than \(limit) rows"
        case .wrongFieldCount(let row, let found, let expected):
            "row \(row) has \(found > expected ? "more than \(expected)" : "\(found)") fields; the model takes \(expected)"
        case .notANumber(let row, let column, let text): "row \(row), column \(column): \"\(text)\" is not a number"
        case .notFinite(let row, let column): "row \(row), column \(column): the number is not finite"
        case .noInstances: "the JSON object has neither \"instances\" nor \"features\""
        case .malformed(let error): "the request is not the JSON expected: \(error)"
        }
    }
}
