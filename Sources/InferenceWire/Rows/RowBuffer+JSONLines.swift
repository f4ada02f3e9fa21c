import JSONReader

/// `application/jsonlines`: one row a line, as an array by position or as an object (``RowBuffer/readRowObject(_:_:_:)``). Empty
/// lines are passed over.
///
/// Source: "Common data formats for inference", Amazon SageMaker Developer Guide; lines as on jsonlines.org.
extension RowBuffer {
    mutating func readJSONLines(
        _ text: UnsafeRawBufferPointer, _ schema: RowSchema, _ limits: RowLimits
    ) throws(RowError) {
        var start = 0
        while start < text.count {
            var end = start
            var isBlank = true
            while end < text.count, unsafe text[end] != UInt8(ascii: "\n") {
                isBlank = unsafe isBlank && (text[end] == UInt8(ascii: " ") || text[end] == UInt8(ascii: "\r"))
                end += 1
            }
            defer { start = end + 1 }
            if isBlank { continue }
            guard rowCount < limits.rowCount else { throw .tooManyRows(limit: limits.rowCount) }
            let line = unsafe UnsafeRawBufferPointer(rebasing: text[start..<end])
            do throws(RowError) {
                try unsafe JSONReader.read(line, rules: requestRules) { (json) throws(RowError) in
                    if try json.kind() == .object {
                        try readRowObject(&json, schema, limits)
                    } else {
                        try readRow(&json, schema)
                    }
                    try json.checked { (json) throws(JSONError) in try json.finish() }
                }
            } catch {
                guard case .malformed(let inLine) = error else { throw error }
                // Bytes are counted from the start of the body, as in every other form.
                throw .malformed(JSONError(inLine.reason, at: inLine.offset + start))
            }
        }
    }
}
