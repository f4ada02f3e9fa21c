import JSONReader

/// A row that is an object: `{"site_id": 3, "price": 0.2}` by the names of the model's features, or `{"features": [3, 0.2]}` by
/// position, beside which other keys are passed over.
extension RowBuffer {
    mutating func readRowObject(
        _ json: inout JSONReader, _ schema: RowSchema, _ limits: RowLimits
    ) throws(RowError) {
        let row = rowCount + 1
        let start = values.count
        var isBegun = false
        var unknown: String?
        var guess = 0
        try json.checked { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key() {
            if rowCount == row {
                guard !json.text(key, is: "features") else { throw .featuresTwice(row: row) }
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            } else if json.text(key, is: "features"), try json.kind() == .array {
                values.removeLast(values.count - start)
                try readRow(&json, schema)
            } else if let feature = Self.feature(json, key, schema, guess: guess) {
                if !isBegun { try beginNamedRow(schema, limits) }
                isBegun = true
                try readNamedValue(&json, schema, feature, rowStart: start)
                guess = feature + 1
            } else {
                // Not refused yet: the row may turn out to come by position.
                if unknown == nil { unknown = String(json.string(key).prefix(100)) }
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard rowCount < row else { return }
        if let unknown {
            throw schema.names == nil ? .noFeatureNames(row: row) : .unknownFeature(row: row, feature: unknown)
        }
        if !isBegun {
            guard schema.names != nil else { throw .noFeatureNames(row: row) }
            try beginNamedRow(schema, limits)
        }
        rowCount += 1
    }

    private mutating func readNamedValue(
        _ json: inout JSONReader, _ schema: RowSchema, _ feature: Int, rowStart: Int
    ) throws(RowError) {
        let row = rowCount + 1
        func name() -> String { schema.names?.name(of: feature) ?? "" }
        guard isFirst(feature) else { throw .repeatedFeature(row: row, feature: name()) }
        let number: Number?
        var refused: ValueFault?
        do throws(JSONError) {
            number = try Self.value(&json, schema, feature, &refused)
        } catch {
            guard let fault = Self.fault(error, &json, schema, feature) else { throw .malformed(error) }
            throw .badFeature(row: row, feature: name(), fault)
        }
        guard let number else {
            throw .badFeature(row: row, feature: name(), refused ?? .neitherTextNorInteger)
        }
        values[rowStart + feature] = number
    }

    private static func feature(
        _ json: borrowing JSONReader, _ key: JSONText, _ schema: RowSchema, guess: Int
    ) -> Int? {
        guard let names = schema.names else { return nil }
        return unsafe json.lend(key) { unsafe names.feature(named: $0, guess: guess) }
    }
}
