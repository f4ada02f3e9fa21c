import JSONReader

/// The shapes of `application/json` that clients send: `[1, 2]`, `[[1, 2], [3, 4]]`, `{"instances": …}` with rows that are
/// arrays, `{"features": [1, 2]}` or objects of named features, and `{"features": …}`. Other keys are passed over; null is
/// missing.
///
/// Source: "Common data formats for inference", Amazon SageMaker Developer Guide.
extension RowBuffer {
    mutating func readJSON(_ text: UnsafeRawBufferPointer, _ schema: RowSchema, _ limits: RowLimits) throws(RowError) {
        // An empty body is a request without rows, and not broken JSON.
        guard text.count > 0 else { throw .noRows }
        try unsafe JSONReader.read(text, rules: JSONRules(maxDepth: 16)) { (json) throws(RowError) in
            if try json.kind() == .object {
                try readObject(&json, schema, limits)
            } else {
                try readRows(&json, schema, limits)
            }
            try json.checked { (json) throws(JSONError) in try json.finish() }
        }
    }

    private mutating func readObject(
        _ json: inout JSONReader, _ schema: RowSchema, _ limits: RowLimits
    ) throws(RowError) {
        var hasRows = false
        try json.checked { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key() {
            if !hasRows && (json.text(key, is: "instances") || json.text(key, is: "features")) {
                hasRows = true
                try readRows(&json, schema, limits)
            } else {
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard hasRows else { throw .noInstances }
    }

    /// An array of rows, or an array of values, which is one row.
    private mutating func readRows(_ json: inout JSONReader, _ schema: RowSchema, _ limits: RowLimits) throws(RowError)
    {
        try json.checked { (json) throws(JSONError) in try json.beginArray() }
        var isOneRow: Bool?
        while try json.element() {
            let kind = try json.kind()
            let isNumber = kind != .array && kind != .object
            // The first element tells which of the two it is.
            if isOneRow == nil, isNumber { isOneRow = true }
            if isOneRow == true {
                guard values.count < schema.featureCount else {
                    throw .wrongFieldCount(row: 1, found: values.count + 1, expected: schema.featureCount)
                }
                try appendValue(&json, schema, rowStart: 0)
                continue
            }
            isOneRow = false
            guard rowCount < limits.rowCount else { throw .tooManyRows(limit: limits.rowCount) }
            if kind == .object { try readRowObject(&json, schema, limits) } else { try readRow(&json, schema) }
        }
        guard isOneRow == true else { return }
        guard values.count == schema.featureCount else {
            throw .wrongFieldCount(row: 1, found: values.count, expected: schema.featureCount)
        }
        rowCount = 1
    }

    /// A row by position.
    mutating func readRow(_ json: inout JSONReader, _ schema: RowSchema) throws(RowError) {
        let start = values.count
        guard schema.texts == nil else { return try readMixedRow(&json, schema) }
        let found: Int
        do throws(JSONError) {
            found = try Number.appendArray(&json, to: &values, limitCount: schema.featureCount)
        } catch {
            guard error.reason != .tooManyElements else {
                throw .wrongFieldCount(
                    row: rowCount + 1, found: schema.featureCount + 1, expected: schema.featureCount)
            }
            throw located(error, rowStart: start)
        }
        guard found == schema.featureCount else {
            throw .wrongFieldCount(row: rowCount + 1, found: found, expected: schema.featureCount)
        }
        rowCount += 1
    }

    /// A row by position in which texts may stand.
    private mutating func readMixedRow(_ json: inout JSONReader, _ schema: RowSchema) throws(RowError) {
        let start = values.count
        try json.checked { (json) throws(JSONError) in try json.beginArray() }
        while try json.element() {
            guard values.count - start < schema.featureCount else {
                throw .wrongFieldCount(
                    row: rowCount + 1, found: schema.featureCount + 1, expected: schema.featureCount)
            }
            try appendValue(&json, schema, rowStart: start)
        }
        guard values.count - start == schema.featureCount else {
            throw .wrongFieldCount(row: rowCount + 1, found: values.count - start, expected: schema.featureCount)
        }
        rowCount += 1
    }

    /// One value of a row by position.
    private mutating func appendValue(
        _ json: inout JSONReader, _ schema: RowSchema, rowStart: Int
    ) throws(RowError) {
        let feature = values.count - rowStart
        let number: Number?
        do throws(JSONError) {
            number = try Self.value(&json, schema, feature)
        } catch {
            throw located(error, rowStart: rowStart)
        }
        guard let number else {
            throw .notANumber(row: rowCount + 1, column: feature + 1, text: "a text that the encoder does not know")
        }
        values.append(number)
    }

    /// The next value as the number of a feature: null is missing, and a text is what the feature's encoder says.
    ///
    /// - Returns: nil for a text that the encoder does not take.
    static func value(_ json: inout JSONReader, _ schema: RowSchema, _ feature: Int) throws(JSONError) -> Number? {
        if try json.readNull() { return .nan }
        guard let encoder = schema.encoder(of: feature) else { return try Number.next(&json) }
        guard try json.peekKind() == .string else {
            guard encoder.readsIntegers(feature) else { return try Number.next(&json) }
            return encoder.number(of: try json.readInt(), feature: feature).map { Number($0) }
        }
        let text = try json.readText()
        return unsafe json.lend(text) { unsafe encoder.number(of: $0, feature: feature) }.map { Number($0) }
    }

    /// A value of the wrong kind or size is told by its row and column; broken JSON by its byte.
    private func located(_ error: JSONError, rowStart: Int) -> RowError {
        let column = values.count - rowStart + 1
        return switch error.reason {
        case .wrongKind: .notANumber(row: rowCount + 1, column: column, text: "a value of another kind")
        case .numberTooLarge: .notFinite(row: rowCount + 1, column: column)
        case .notAnInteger:
            .notANumber(row: rowCount + 1, column: column, text: "a number that is neither a text nor an integer")
        default: .malformed(error)
        }
    }
}

extension JSONReader {
    mutating func checked(_ step: (inout JSONReader) throws(JSONError) -> Void) throws(RowError) {
        do throws(JSONError) { try step(&self) } catch { throw .malformed(error) }
    }

    mutating func kind() throws(RowError) -> JSONKind {
        do throws(JSONError) { return try peekKind() } catch { throw .malformed(error) }
    }

    mutating func key() throws(RowError) -> JSONText? {
        do throws(JSONError) { return try nextKey() } catch { throw .malformed(error) }
    }

    mutating func element() throws(RowError) -> Bool {
        do throws(JSONError) { return try nextElement() } catch { throw .malformed(error) }
    }

    /// Lends the bytes that a text stands for; only one with escapes is copied.
    borrowing func lend<Value>(_ text: JSONText, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        guard text.hasEscapes else { return unsafe withBytes(of: text, body) }
        var plain = string(text)
        return plain.withUTF8 { unsafe body($0) }
    }
}
