import JSONReader

/// The shapes of `application/json` that clients send: `[1, 2]`, `[[1, 2], [3, 4]]`, `{"instances": …}` with rows that are
/// arrays or `{"features": [1, 2]}`, and `{"features": …}`. Other keys are passed over; null is missing.
///
/// Source: "Common data formats for inference", Amazon SageMaker Developer Guide.
extension RowBuffer {
    mutating func readJSON(_ text: UnsafeRawBufferPointer, _ featureCount: Int, _ limitRows: Int) throws(RowError) {
        // An empty body is a request without rows, and not broken JSON.
        guard text.count > 0 else { throw .noRows }
        try unsafe JSONReader.read(text, rules: JSONRules(maxDepth: 16)) { (json) throws(RowError) in
            if try json.kind() == .object {
                try readObject(&json, featureCount, limitRows)
            } else {
                try readRows(&json, featureCount, limitRows)
            }
            try json.checked { (json) throws(JSONError) in try json.finish() }
        }
    }

    private mutating func readObject(
        _ json: inout JSONReader, _ featureCount: Int, _ limitRows: Int
    ) throws(RowError) {
        var hasRows = false
        try json.checked { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key() {
            if !hasRows && (json.text(key, is: "instances") || json.text(key, is: "features")) {
                hasRows = true
                try readRows(&json, featureCount, limitRows)
            } else {
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard hasRows else { throw .noInstances }
    }

    /// An array of rows, or an array of numbers, which is one row.
    private mutating func readRows(_ json: inout JSONReader, _ featureCount: Int, _ limitRows: Int) throws(RowError) {
        try json.checked { (json) throws(JSONError) in try json.beginArray() }
        var isOneRow: Bool?
        while try json.element() {
            let kind = try json.kind()
            let isNumber = kind != .array && kind != .object
            // The first element tells which of the two it is.
            if isOneRow == nil, isNumber { isOneRow = true }
            if isOneRow == true {
                try readNumber(&json, featureCount)
                continue
            }
            isOneRow = false
            guard rowCount < limitRows else { throw .tooManyRows(limit: limitRows) }
            if kind == .object { try readNamedRow(&json, featureCount) } else { try readRow(&json, featureCount) }
        }
        guard isOneRow == true else { return }
        guard values.count == featureCount else {
            throw .wrongFieldCount(row: 1, found: values.count, expected: featureCount)
        }
        rowCount = 1
    }

    /// One number of the only row.
    private mutating func readNumber(_ json: inout JSONReader, _ featureCount: Int) throws(RowError) {
        guard values.count < featureCount else {
            throw .wrongFieldCount(row: 1, found: values.count + 1, expected: featureCount)
        }
        do throws(JSONError) {
            values.append(try json.readNull() ? .nan : try Number.next(&json))
        } catch {
            throw located(error, rowStart: 0)
        }
    }

    private mutating func readRow(_ json: inout JSONReader, _ featureCount: Int) throws(RowError) {
        let start = values.count
        let found: Int
        do throws(JSONError) {
            found = try Number.appendArray(&json, to: &values, limitCount: featureCount)
        } catch {
            guard error.reason != .tooManyElements else {
                throw .wrongFieldCount(row: rowCount + 1, found: featureCount + 1, expected: featureCount)
            }
            throw located(error, rowStart: start)
        }
        guard found == featureCount else {
            throw .wrongFieldCount(row: rowCount + 1, found: found, expected: featureCount)
        }
        rowCount += 1
    }

    private mutating func readNamedRow(_ json: inout JSONReader, _ featureCount: Int) throws(RowError) {
        let before = rowCount
        try json.checked { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key() {
            if rowCount == before && json.text(key, is: "features") {
                try readRow(&json, featureCount)
            } else {
                try json.checked { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard rowCount > before else { throw .wrongFieldCount(row: before + 1, found: 0, expected: featureCount) }
    }

    /// A value of the wrong kind or size is told by its row and column; broken JSON by its byte.
    private func located(_ error: JSONError, rowStart: Int) -> RowError {
        let column = values.count - rowStart + 1
        return switch error.reason {
        case .wrongKind: .notANumber(row: rowCount + 1, column: column, text: "a value of another kind")
        case .numberTooLarge: .notFinite(row: rowCount + 1, column: column)
        default: .malformed(error)
        }
    }
}

extension JSONReader {
    fileprivate mutating func checked(_ step: (inout JSONReader) throws(JSONError) -> Void) throws(RowError) {
        do throws(JSONError) { try step(&self) } catch { throw .malformed(error) }
    }

    fileprivate mutating func kind() throws(RowError) -> JSONKind {
        do throws(JSONError) { return try peekKind() } catch { throw .malformed(error) }
    }

    fileprivate mutating func key() throws(RowError) -> JSONText? {
        do throws(JSONError) { return try nextKey() } catch { throw .malformed(error) }
    }

    fileprivate mutating func element() throws(RowError) -> Bool {
        do throws(JSONError) { return try nextElement() } catch { throw .malformed(error) }
    }
}
