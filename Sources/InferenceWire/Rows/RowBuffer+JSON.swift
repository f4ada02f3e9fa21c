import JSONReader

/// The shapes of `application/json` that clients send: `[1, 2]`, `[[1, 2], [3, 4]]`, `{"instances": …}` with rows that are
/// arrays, `{"features": [1, 2]}` or objects of named features, and `{"features": …}`. Other keys are passed over; null is
/// missing, and so is NaN, which JSON lacks and Python writes all the same.
///
/// Source: "Common data formats for inference", Amazon SageMaker Developer Guide.
extension RowBuffer {
    mutating func readJSON(_ text: UnsafeRawBufferPointer, _ schema: RowSchema, _ limits: RowLimits) throws(RowError) {
        // An empty body is a request without rows, and not broken JSON.
        guard text.count > 0 else { throw .noRows }
        try unsafe JSONReader.read(text, rules: requestRules) { (json) throws(RowError) in
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
        var rowsKey: String?
        try json.checked { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key() {
            let isInstances = json.text(key, is: "instances")
            if isInstances || json.text(key, is: "features") {
                let name = isInstances ? "instances" : "features"
                if let rowsKey { throw .rowsTwice(rowsKey, name) }
                rowsKey = name
                try readRows(&json, schema, limits)
            } else {
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard rowsKey != nil else { throw .noInstances }
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
        guard try json.kind() == .array else { throw .notARow(row: rowCount + 1) }
        let found: Int
        do throws(JSONError) {
            found = try Number.appendArray(&json, to: &values, limitCount: schema.featureCount)
        } catch {
            guard error.reason != .tooManyElements else {
                throw .wrongFieldCount(
                    row: rowCount + 1, found: schema.featureCount + 1, expected: schema.featureCount)
            }
            throw located(error, &json, schema, rowStart: start)
        }
        guard found == schema.featureCount else {
            throw .wrongFieldCount(row: rowCount + 1, found: found, expected: schema.featureCount)
        }
        rowCount += 1
    }

    /// A row by position in which texts may stand.
    private mutating func readMixedRow(_ json: inout JSONReader, _ schema: RowSchema) throws(RowError) {
        let start = values.count
        guard try json.kind() == .array else { throw .notARow(row: rowCount + 1) }
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
        var refused: ValueFault?
        do throws(JSONError) {
            number = try Self.value(&json, schema, feature, &refused)
        } catch {
            throw located(error, &json, schema, rowStart: rowStart)
        }
        guard let number else {
            throw .badValue(row: rowCount + 1, column: feature + 1, refused ?? .neitherTextNorInteger)
        }
        values.append(number)
    }

    /// The next value as the number of a feature: null is missing, and a text is what the feature's encoder says.
    ///
    /// - Parameter refused: why a text, or an integer that is one, is not taken.
    /// - Returns: nil for a text that the encoder does not take.
    static func value(
        _ json: inout JSONReader, _ schema: RowSchema, _ feature: Int, _ refused: inout ValueFault?
    ) throws(JSONError) -> Number? {
        if try json.readNull() { return .nan }
        guard let encoder = schema.encoder(of: feature) else { return try Number.next(&json) }
        guard try json.peekKind() == .string else {
            guard encoder.readsIntegers(feature) else { return try Number.next(&json) }
            if try json.readNaN() { return .nan }
            let integer = try json.readInt()
            let number = encoder.number(of: integer, feature: feature)
            if number == nil { refused = .unknownText("\(integer)") }
            return number.map { Number($0) }
        }
        let text = try json.readText()
        return unsafe json.lend(text) { bytes in
            let number = unsafe encoder.number(of: bytes, feature: feature)
            if number == nil { refused = unsafe ValueFault(unknown: bytes) }
            return number.map { Number($0) }
        }
    }

    /// A value of the wrong kind or size is told by its row and column; broken JSON by its byte.
    private func located(
        _ error: JSONError, _ json: inout JSONReader, _ schema: RowSchema, rowStart: Int
    ) -> RowError {
        let column = values.count - rowStart + 1
        guard let fault = Self.fault(error, &json, schema, column - 1) else { return .malformed(error) }
        return .badValue(row: rowCount + 1, column: column, fault)
    }

    /// What is wrong with the value at which the reader stands; nil where the JSON is broken.
    static func fault(
        _ error: JSONError, _ json: inout JSONReader, _ schema: RowSchema, _ feature: Int
    ) -> ValueFault? {
        switch error.reason {
        case .wrongKind: ValueFault(&json, wanted: schema.encoder(of: feature) == nil ? .number : .textOrNumber)
        case .notAnInteger: .neitherTextNorInteger
        case .numberTooLong: .tooLong
        default: nil
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
