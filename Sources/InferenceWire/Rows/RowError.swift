package import JSONReader

/// Why a request's rows cannot be scored. Its text is what the client is told; rows and columns are counted from 1.
///
/// A row that came by position is told by its column, one that named its features by the feature.
package enum RowError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRows
    case tooManyRows(limit: Int)
    case wrongFieldCount(row: Int, found: Int, expected: Int)
    /// In the place of a row stands a JSON value that is neither an array nor an object.
    case notARow(row: Int)
    case badValue(row: Int, column: Int, ValueFault)
    case notFinite(row: Int, column: Int)
    case noInstances
    case malformed(JSONError)
    /// Two keys of the JSON object hold rows.
    case rowsTwice(String, String)
    /// A row has two arrays by position.
    case featuresTwice(row: Int)
    /// Row 0 is the header line of CSV.
    case unknownFeature(row: Int, feature: String)
    case repeatedFeature(row: Int, feature: String)
    case badFeature(row: Int, feature: String, ValueFault)
    case featureNotFinite(row: Int, feature: String)
    /// Features are named, and the model has no names, or none that are unique.
    case noFeatureNames(row: Int)
    /// A row of CSV is longer or shorter than its header line.
    case wrongColumnCount(row: Int, found: Int, header: Int)
    case malformedQuotes(row: Int)
    /// Rows times features.
    case tooManyCells(limit: Int, featureCount: Int)
    /// ``RowLimits/promptCellCount`` was reached: no fault of the request, which is to be read again without that limit.
    case notPrompt

    /// Whether the rows may be sound but are more than is allowed.
    package var isSize: Bool {
        switch self {
        case .tooManyRows, .tooManyCells: true
        default: false
        }
    }

    /// The HTTP status that says so.
    package var status: Int {
        if self == .notPrompt { 503 } else { isSize ? 413 : 400 }
    }

    package var description: String {
        switch self {
        case .noRows: "the request has no rows"
        case .tooManyRows(let limit): "the request has more than \(limit) rows"
        case .wrongFieldCount(let row, let found, let expected):
            "row \(row) has \(found > expected ? "more than \(expected)" : "\(found)") fields; the model takes \(expected)"
        case .notARow(let row): "row \(row) is neither an array nor an object"
        case .badValue(let row, let column, let fault): "row \(row), column \(column): \(fault)"
        case .notFinite(let row, let column): "row \(row), column \(column): the number is not finite"
        case .noInstances: "the JSON object has neither \"instances\" nor \"features\""
        case .rowsTwice(let first, let second):
            // text: shown only
            first == second
                ? "\"\(first)\" stands twice" : "\"\(second)\" stands beside \"\(first)\": send the rows once"
        case .featuresTwice(let row): "row \(row): \"features\" stands twice"
        case .malformed(let error): "the request is not the JSON expected: \(error)"
        case .unknownFeature(let row, let feature): "\(Self.place(row)): the model has no feature \"\(feature)\""
        case .repeatedFeature(let row, let feature): "\(Self.place(row)): feature \"\(feature)\" is given twice"
        case .badFeature(let row, let feature, let fault): "row \(row), feature \"\(feature)\": \(fault)"
        case .featureNotFinite(let row, let feature): "row \(row), feature \"\(feature)\": the number is not finite"
        case .noFeatureNames(let row):
            "\(Self.place(row)): the model has no names for its features; send them by position"
        case .wrongColumnCount(let row, let found, let header):
            "row \(row) has \(found > header ? "more than \(header)" : "\(found)") fields; the header line has \(header)"
        case .malformedQuotes(let row): "\(Self.place(row)): a quoted field does not end at its closing quotation mark"
        case .tooManyCells(let limit, let featureCount):
            "the request's rows come to more than \(limit) numbers, each row to \(featureCount)"
        case .notPrompt: "the request's rows are too many to be read at once"
        }
    }

    private static func place(_ row: Int) -> String { row == 0 ? "header line" : "row \(row)" }
}
