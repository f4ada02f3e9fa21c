package import JSONReader

/// Why a text of rows cannot be scored to its end. Rows are counted from 1 in the whole text.
package enum RowStreamError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRows
    case row(RowError)
    /// A row of JSON lines; bytes are counted from where the row begins, blank lines before it included.
    case malformedRow(row: Int, JSONError)
    case malformedDocument(JSONError)
    case rowTooLong(row: Int, limitBytes: Int)
    /// A JSON document is read whole. Rows that are JSON lines are not.
    case documentTooLong(limitBytes: Int)

    package var description: String {
        switch self {
        case .noRows: "there are no rows"
        case .row(let error): "\(error)"
        case .malformedRow(let row, let error): "row \(row) is not the JSON expected: \(error) of the row"
        case .malformedDocument(let error): "this is not the JSON expected: \(error)"
        case .rowTooLong(let row, let limit): "row \(row) has more than \(limit) bytes"
        case .documentTooLong(let limit):
            "a JSON document of more than \(limit) bytes; JSON lines may have any number of rows"
        }
    }
}
