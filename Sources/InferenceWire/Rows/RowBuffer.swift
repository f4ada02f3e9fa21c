/// The rows of one request after another: read into the same memory, so that a steady load allocates nothing.
///
/// One event loop owns one buffer for each number type.
package struct RowBuffer<Number: RowNumber>: Sendable {
    /// Row-major, shape [rowCount, featureCount]; NaN means missing.
    package internal(set) var values: [Number] = []
    package internal(set) var rowCount = 0

    /// Whether a row named its features: then a refusal names them too.
    var isNamed = false
    /// For each feature the last named row that had it, by `stamp`: a name given twice is refused.
    var stamps: [UInt64] = []
    var stamp: UInt64 = 0
    /// The feature of each column of a CSV header.
    var columns: [Int] = []

    package init() {}

    /// Reads a whole body, replacing the rows of the request before.
    ///
    /// - Parameters:
    ///   - body: lent for the call.
    ///   - schema: of the model that is asked.
    ///   - limitRows: more rows than this are refused before they are kept.
    /// - Throws: ``RowError``; the buffer then holds no rows.
    @specialized(where Number == Float)
    @specialized(where Number == Double)
    package mutating func read(
        _ body: UnsafeRawBufferPointer, as format: RowFormat, schema: RowSchema, limitRows: Int
    ) throws(RowError) {
        precondition(limitRows > 0, "one row is always allowed")
        clear()
        do throws(RowError) {
            switch format {
            case .csv where schema.texts == nil:
                try unsafe readCSV(body.assumingMemoryBound(to: UInt8.self), schema.featureCount, limitRows)
            case .csv, .csvWithHeader:
                try unsafe readCSVTable(
                    body.assumingMemoryBound(to: UInt8.self), schema, limitRows, hasHeader: format == .csvWithHeader)
            case .json: try unsafe readJSON(body, schema, limitRows)
            case .jsonLines: try unsafe readJSONLines(body, schema, limitRows)
            }
            guard rowCount > 0 else { throw .noRows }
            try checkFinite(featureCount: schema.featureCount, names: schema.names)
        } catch {
            clear()
            throw error
        }
    }

    mutating func clear() {
        values.removeAll(keepingCapacity: true)
        rowCount = 0
        isNamed = false
    }

    /// Infinities are refused, as the reference libraries refuse them: no split was trained on one.
    func checkFinite(featureCount: Int, names: FeatureNames? = nil) throws(RowError) {
        for index in values.indices where values[index].isInfinite {
            let row = index / featureCount + 1
            let feature = index % featureCount
            if isNamed, let names {
                throw .featureNotFinite(row: row, feature: names.name(of: feature))
            }
            throw .notFinite(row: row, column: feature + 1)
        }
    }

    // MARK: Named rows

    /// Appends a row in which every feature is missing, for the values that have names.
    mutating func beginNamedRow(_ schema: RowSchema) {
        isNamed = true
        values.append(contentsOf: repeatElement(.nan, count: schema.featureCount))
        if stamps.count < schema.featureCount {
            stamps.append(contentsOf: repeatElement(0, count: schema.featureCount - stamps.count))
        }
        stamp += 1
    }

    /// Whether the row that was begun last has not had this feature yet.
    mutating func isFirst(_ feature: Int) -> Bool {
        defer { stamps[feature] = stamp }
        return stamps[feature] != stamp
    }
}
