/// `text/csv` as the SageMaker containers take it: no header, one row a line, an empty field is missing. A number may be quoted.
///
/// Source: "Common data formats for inference", Amazon SageMaker Developer Guide; line ends as in RFC 4180.
extension RowBuffer {
    mutating func readCSV(
        _ text: UnsafeBufferPointer<UInt8>, _ featureCount: Int, _ limits: RowLimits
    ) throws(RowError) {
        var lineStart = unsafe CSVFields.start(of: text)
        while lineStart < text.count {
            if featureCount > 1, unsafe CSVFields.isBlank(text, from: lineStart) { break }
            guard rowCount < limits.rowCount else { throw .tooManyRows(limit: limits.rowCount) }
            lineStart = try unsafe readLine(text, from: lineStart, featureCount)
            rowCount += 1
        }
    }

    /// Reads one line and answers where the next begins.
    private mutating func readLine(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ featureCount: Int
    ) throws(RowError) -> Int {
        var fieldStart = start
        var position = start
        var column = 0
        while true {
            // Not beyond the last column: there the count of fields is what is wrong, whatever they hold.
            if position == fieldStart, column < featureCount, let plain = unsafe PlainDecimal(text, from: position),
                let number = Number.number(plain)
            {
                values.append(number)
                column += 1
                position = plain.end
                fieldStart = position + 1
                let isLast = unsafe position == text.count || text[position] == UInt8(ascii: "\n")
                if isLast { break }
                position += 1
                continue
            }
            let isAtEnd = position == text.count
            let byte = unsafe isAtEnd ? UInt8(ascii: "\n") : text[position]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") {
                guard column < featureCount else {
                    throw .wrongFieldCount(row: rowCount + 1, found: column + 1, expected: featureCount)
                }
                column += 1
                try unsafe appendField(text, fieldStart..<position, column: column)
                fieldStart = position + 1
                if byte == UInt8(ascii: "\n") { break }
            }
            position += 1
        }
        guard column == featureCount else {
            throw .wrongFieldCount(row: rowCount + 1, found: column, expected: featureCount)
        }
        return position + 1
    }

    private mutating func appendField(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, column: Int
    ) throws(RowError) {
        var range = range
        while let last = range.last, unsafe Self.isSpace(text[last]) { range = range.dropLast() }
        while let first = range.first, unsafe Self.isSpace(text[first]) { range = range.dropFirst() }
        // A number holds neither a comma nor a quotation mark: what is quoted needs no other reading.
        let quote = UInt8(ascii: "\"")
        if range.count > 1, unsafe text[range.lowerBound] == quote, unsafe text[range.upperBound - 1] == quote {
            range = range.dropFirst().dropLast()
        }
        guard !range.isEmpty else { return values.append(.nan) }
        let field = unsafe UnsafeBufferPointer(rebasing: text[range])
        guard let number = unsafe Number.number(field) else {
            let fault = unsafe ValueFault(field: field)
            throw .badValue(row: rowCount + 1, column: column, fault)
        }
        values.append(number)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
