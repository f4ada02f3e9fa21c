extension RowError {
    /// The row at fault, counted from 1, 0 for a header line; nil where it is the text as a whole.
    var row: Int? {
        switch self {
        case .noRows, .tooManyRows, .noInstances, .malformed: nil
        case .wrongFieldCount(let row, _, _), .notANumber(let row, _, _), .notFinite(let row, _),
            .unknownFeature(let row, _), .repeatedFeature(let row, _), .featureNotANumber(let row, _, _),
            .featureNotFinite(let row, _), .noFeatureNames(let row), .wrongColumnCount(let row, _, _),
            .malformedQuotes(let row):
            row
        }
    }

    /// The same of a row behind `count` others. A header line stays where it is.
    func moved(by count: Int) -> RowError {
        guard let row, row > 0 else { return self }
        let moved = row + count
        return switch self {
        case .noRows, .tooManyRows, .noInstances, .malformed: self
        case .wrongFieldCount(_, let found, let expected):
            .wrongFieldCount(row: moved, found: found, expected: expected)
        case .notANumber(_, let column, let text): .notANumber(row: moved, column: column, text: text)
        case .notFinite(_, let column): .notFinite(row: moved, column: column)
        case .unknownFeature(_, let feature): .unknownFeature(row: moved, feature: feature)
        case .repeatedFeature(_, let feature): .repeatedFeature(row: moved, feature: feature)
        case .featureNotANumber(_, let feature, let text):
            .featureNotANumber(row: moved, feature: feature, text: text)
        case .featureNotFinite(_, let feature): .featureNotFinite(row: moved, feature: feature)
        case .noFeatureNames: .noFeatureNames(row: moved)
        case .wrongColumnCount(_, let found, let header):
            .wrongColumnCount(row: moved, found: found, header: header)
        case .malformedQuotes: .malformedQuotes(row: moved)
        }
    }
}
