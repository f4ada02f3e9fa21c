extension RowError {
    /// The row at fault, counted from 1, 0 for a header line; nil where it is the text as a whole.
    var row: Int? {
        switch self {
        case .noRows, .tooManyRows, .tooManyCells, .notPrompt, .noInstances, .rowsTwice, .malformed: nil
        case .wrongFieldCount(let row, _, _), .notARow(let row), .badValue(let row, _, _), .notFinite(let row, _),
            .featuresTwice(let row), .unknownFeature(let row, _), .repeatedFeature(let row, _),
            .badFeature(let row, _, _), .featureNotFinite(let row, _), .noFeatureNames(let row),
            .wrongColumnCount(let row, _, _), .malformedQuotes(let row):
            row
        }
    }

    /// The same of a row behind `count` others. A header line stays where it is.
    func moved(by count: Int) -> RowError {
        guard let row, row > 0 else { return self }
        let moved = row + count
        return switch self {
        case .noRows, .tooManyRows, .tooManyCells, .notPrompt, .noInstances, .rowsTwice, .malformed: self
        case .wrongFieldCount(_, let found, let expected):
            .wrongFieldCount(row: moved, found: found, expected: expected)
        case .notARow: .notARow(row: moved)
        case .badValue(_, let column, let fault): .badValue(row: moved, column: column, fault)
        case .notFinite(_, let column): .notFinite(row: moved, column: column)
        case .featuresTwice: .featuresTwice(row: moved)
        case .unknownFeature(_, let feature): .unknownFeature(row: moved, feature: feature)
        case .repeatedFeature(_, let feature): .repeatedFeature(row: moved, feature: feature)
        case .badFeature(_, let feature, let fault): .badFeature(row: moved, feature: feature, fault)
        case .featureNotFinite(_, let feature): .featureNotFinite(row: moved, feature: feature)
        case .noFeatureNames: .noFeatureNames(row: moved)
        case .wrongColumnCount(_, let found, let header):
            .wrongColumnCount(row: moved, found: found, header: header)
        case .malformedQuotes: .malformedQuotes(row: moved)
        }
    }
}
