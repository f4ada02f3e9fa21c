import JSONReader

/// The rows of a text that comes in pieces and may be larger than memory: read in blocks of whole rows.
///
/// ```swift
/// repeat {
///     isAtEnd = …            // another piece, if there is one
///     stream.append(piece)
///     while try stream.next(isAtEnd: isAtEnd) { score(stream.rows) }
/// } while !isAtEnd
/// ```
/// A JSON document is the exception: it is one block, and kept until its end has come.
package struct RowStream<Number: RowNumber>: Sendable {
    /// The rows of the block that was read last.
    package private(set) var rows = RowBuffer<Number>()
    /// How many rows were read, those in ``rows`` among them.
    package private(set) var rowCount = 0

    private let format: RowFormat
    private let schema: RowSchema
    private let limitBytes: Int
    /// Of one block: what a row takes is not bounded by its bytes, for one that names its features may name none.
    private let limitRows: Int
    /// What has come and was not read yet; begins where a row does.
    private var pending: [UInt8] = []
    /// Fewer bytes than this hold no whole row: so often as a long row grows, it is not searched again from its start.
    private var neededBytes = 1
    /// The header line of CSV, which stands before each block.
    private var header: [UInt8] = []
    private var hasHeader: Bool
    private var failure: RowStreamError?

    /// How many numbers a block may come to.
    private static var blockCellCount: Int { 1 << 20 }

    /// - Parameter limitBytes: of one row, or of a JSON document; more are refused once that many have come.
    package init(format: RowFormat, schema: RowSchema, limitBytes: Int) {
        self.format = format
        self.schema = schema
        self.limitBytes = limitBytes
        self.limitRows = max(1, Self.blockCellCount / schema.featureCount)
        self.hasHeader = format != .csvWithHeader
    }

    package mutating func append(_ piece: ArraySlice<UInt8>) { pending.append(contentsOf: piece) }

    /// Reads the whole rows that have come and were not read yet.
    ///
    /// - Parameter isAtEnd: whether all pieces were appended: then the last row need not end its line.
    /// - Returns: false when there are none: then another piece is due, or, at the end, all rows were read.
    /// - Throws: at a row that cannot be read, once the rows before it were; and every time from then on.
    package mutating func next(isAtEnd: Bool) throws(RowStreamError) -> Bool {
        if let failure { throw failure }
        guard isAtEnd || pending.count >= neededBytes else { return false }
        if !hasHeader {
            guard let end = rowsEnd(count: 1) ?? (isAtEnd ? pending.count : nil) else { return try wait() }
            header = Array(pending[..<end])
            pending.removeFirst(end)
            hasHeader = true
        }
        let end = blockEnd(isAtEnd: isAtEnd)
        guard end > 0 || isAtEnd else { return try wait() }
        guard end > 0 || rowCount == 0 else { return false }
        neededBytes = 1
        return try readBlock(end, isAtEnd: isAtEnd)
    }

    /// For more of a row than has come.
    private mutating func wait() throws(RowStreamError) -> Bool {
        guard pending.count <= limitBytes else {
            throw fail(
                format == .json
                    ? .documentTooLong(limitBytes: limitBytes)
                    : .rowTooLong(row: rowCount + 1, limitBytes: limitBytes))
        }
        neededBytes = format == .json ? limitBytes + 1 : min(pending.count * 2, limitBytes) + 1
        return false
    }

    private mutating func fail(_ error: RowStreamError) -> RowStreamError {
        failure = error
        return error
    }

    /// Where so many rows end; nil when there are not as many.
    private func rowsEnd(count: Int) -> Int? {
        unsafe pending.withUnsafeBytes { bytes in
            var ends = unsafe RowEnds(bytes, as: format, schema: schema)
            for _ in 0..<count {
                guard ends.next() else { return nil }
            }
            return ends.end
        }
    }

    /// Where the next block ends; 0 when no row has come whole.
    ///
    /// Blank lines wait for what follows them: whether they are rows of one missing value, a fault, or the end of the text is for
    /// the reader to tell, who sees them then.
    private func blockEnd(isAtEnd: Bool) -> Int {
        unsafe pending.withUnsafeBytes { bytes in
            var ends = unsafe RowEnds(bytes, as: format, schema: schema)
            var count = 0
            var end = 0
            while count < limitRows, ends.next() {
                count += 1
                if !ends.isBlank { end = ends.end }
            }
            if count == limitRows { return end > 0 ? end : ends.end }
            return isAtEnd ? bytes.count : end
        }
    }

    /// Reads the first `end` bytes of what is pending, or of those the rows before the first bad one.
    private mutating func readBlock(_ end: Int, isAtEnd: Bool) throws(RowStreamError) -> Bool {
        var end = end
        while true {
            do throws(RowError) {
                try readText(end)
                break
            } catch .noRows {
                pending.removeFirst(end)
                guard isAtEnd, rowCount == 0 else { return false }
                throw fail(.noRows)
            } catch {
                let row = error.row ?? self.row(of: error)
                let reason = fail(self.reason(error, row: row))
                // Of a document nothing is taken unless all of it is.
                guard format != .json, let row, row > 1, let good = rowsEnd(count: row - 1), good < end else {
                    throw reason
                }
                end = good
            }
        }
        pending.removeFirst(end)
        rowCount += rows.rowCount
        return true
    }

    private mutating func readText(_ end: Int) throws(RowError) {
        if header.isEmpty {
            try read(pending, end)
        } else {
            let text = header + pending[..<end]
            try read(text, text.count)
        }
    }

    private mutating func read(_ text: [UInt8], _ end: Int) throws(RowError) {
        var rows = RowBuffer<Number>()
        swap(&rows, &self.rows)
        defer { swap(&rows, &self.rows) }
        let result = unsafe text.withUnsafeBytes { bytes in
            Result { () throws(RowError) in
                let block = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<end])
                try unsafe rows.read(
                    block, as: format, schema: schema,
                    limits: RowLimits(rowCount: Int(Int32.max), cellCount: .max))
            }
        }
        try result.get()
    }

    // MARK: Where it went wrong

    /// The row of JSON lines in which a byte lies that cannot stand there.
    private func row(of error: RowError) -> Int? {
        guard case .malformed(let json) = error, format == .jsonLines else { return nil }
        return unsafe pending.withUnsafeBytes { bytes in
            var ends = unsafe RowEnds(bytes, as: format, schema: schema)
            var row = 1
            while ends.next(), ends.end <= json.offset { row += 1 }
            return row
        }
    }

    private func reason(_ error: RowError, row: Int?) -> RowStreamError {
        switch error {
        case .noRows: return .noRows
        case .malformed(let json):
            guard let row else { return .malformedDocument(json) }
            let start = row == 1 ? 0 : rowsEnd(count: row - 1) ?? 0
            return .malformedRow(row: rowCount + row, JSONError(json.reason, at: json.offset - start))
        default: return .row(error.moved(by: rowCount))
        }
    }
}
