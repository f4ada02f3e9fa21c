/// `text/csv; header=present`, and CSV for a model whose features may be texts: fields may be quoted, and a header line, where
/// there is one, says which feature each column is. A feature without a column is missing in every row.
///
/// Source: RFC 4180, whose `header` parameter this is.
extension RowBuffer {
    mutating func readCSVTable(
        _ text: UnsafeBufferPointer<UInt8>, _ schema: RowSchema, _ limits: RowLimits, hasHeader: Bool
    ) throws(RowError) {
        var fields = unsafe CSVFields(text)
        if hasHeader {
            guard !fields.isAtEnd else { throw .noRows }
            try readHeader(&fields, schema, limits)
        }
        // The one field of a line may be missing; a line of more fields has commas.
        let fieldCount = hasHeader ? columns.count : schema.featureCount
        while !fields.isAtEnd {
            if fieldCount > 1, fields.isBlankToTheEnd { break }
            guard rowCount < limits.rowCount else { throw .tooManyRows(limit: limits.rowCount) }
            try readTableRow(&fields, schema, limits, hasHeader: hasHeader)
            rowCount += 1
        }
    }

    /// Finds the feature of each column; as no feature may come twice, there are no more columns than features.
    private mutating func readHeader(
        _ fields: inout CSVFields, _ schema: RowSchema, _ limits: RowLimits
    ) throws(RowError) {
        guard let names = schema.names else { throw .noFeatureNames(row: 0) }
        columns.removeAll(keepingCapacity: true)
        try beginNamedRow(schema, limits)
        // The row was only needed for its stamps.
        values.removeAll(keepingCapacity: true)
        while true {
            let field = try Self.next(&fields, row: 0)
            let guess = columns.count
            guard let feature = unsafe fields.withBytes(of: field, { unsafe names.feature(named: $0, guess: guess) })
            else {
                throw .unknownFeature(row: 0, feature: Self.shown(field, of: fields))
            }
            guard isFirst(feature) else { throw .repeatedFeature(row: 0, feature: names.name(of: feature)) }
            columns.append(feature)
            if field.endsLine { return }
        }
    }

    private mutating func readTableRow(
        _ fields: inout CSVFields, _ schema: RowSchema, _ limits: RowLimits, hasHeader: Bool
    ) throws(RowError) {
        let row = rowCount + 1
        let start = values.count
        let columnCount = hasHeader ? columns.count : schema.featureCount
        try appendMissingRow(schema, limits)
        var column = 0
        while true {
            let field = try Self.next(&fields, row: row)
            guard column < columnCount else {
                throw Self.wrongCount(row, column + 1, columnCount, hasHeader: hasHeader)
            }
            let feature = hasHeader ? columns[column] : column
            column += 1
            guard let number = Self.number(of: field, in: fields, schema, feature) else {
                let isText = schema.encoder(of: feature) != nil
                let fault = unsafe fields.withBytes(of: field) {
                    unsafe isText ? ValueFault(unknown: $0) : ValueFault(field: $0)
                }
                guard hasHeader, let names = schema.names else {
                    throw .badValue(row: row, column: column, fault)
                }
                throw .badFeature(row: row, feature: names.name(of: feature), fault)
            }
            values[start + feature] = number
            if field.endsLine { break }
        }
        guard column == columnCount else { throw Self.wrongCount(row, column, columnCount, hasHeader: hasHeader) }
    }

    private static func number(
        of field: CSVFields.Field, in fields: CSVFields, _ schema: RowSchema, _ feature: Int
    ) -> Number? {
        if field.range.isEmpty, !field.isQuoted { return .nan }
        guard let encoder = schema.encoder(of: feature) else {
            return unsafe field.range.isEmpty ? .nan : fields.withBytes(of: field) { unsafe Number.number($0) }
        }
        return unsafe fields.withBytes(of: field) { unsafe encoder.number(of: $0, feature: feature) }.map { Number($0) }
    }

    private static func wrongCount(_ row: Int, _ found: Int, _ expected: Int, hasHeader: Bool) -> RowError {
        hasHeader
            ? .wrongColumnCount(row: row, found: found, header: expected)
            : .wrongFieldCount(row: row, found: found, expected: expected)
    }

    private static func next(_ fields: inout CSVFields, row: Int) throws(RowError) -> CSVFields.Field {
        do throws(CSVFields.MalformedQuotes) { return try fields.next() } catch { throw .malformedQuotes(row: row) }
    }

    private static func shown(_ field: CSVFields.Field, of fields: CSVFields) -> String {
        unsafe fields.withBytes(of: field) { unsafe String(decoding: $0.prefix(40), as: UTF8.self) }
    }
}
