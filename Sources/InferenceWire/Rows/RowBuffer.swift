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
    ///   - limits: what is beyond them is refused before it is kept.
    /// - Throws: ``RowError``; the buffer then holds no rows.
    @specialized(where Number == Float)
    @specialized(where Number == Double)
    package mutating func read(
        _ body: UnsafeRawBufferPointer, as format: RowFormat, schema: RowSchema, limits: RowLimits
    ) throws(RowError) {
        clear()
        do throws(RowError) {
            switch format {
            case .csv where schema.texts == nil:
                try unsafe readCSV(body.assumingMemoryBound(to: UInt8.self), schema.featureCount, limits)
            case .csv, .csvWithHeader:
                try unsafe readCSVTable(
                    body.assumingMemoryBound(to: UInt8.self), schema, limits, hasHeader: format == .csvWithHeader)
            case .json: try unsafe readJSON(body, schema, limits)
            case .jsonLines: try unsafe readJSONLines(body, schema, limits)
            }
            guard rowCount > 0 else { throw .noRows }
            try checkFinite(featureCount: schema.featureCount, names: schema.names)
        } catch {
            clear()
            throw error
        }
    }

    /// Beyond this capacity memory is given back: a loop that read one large request would hold it for ever.
    static var keptByteCount: Int { 4 << 20 }

    mutating func clear() {
        Self.empty(&values)
        if stamps.capacity > Self.keptByteCount / MemoryLayout<UInt64>.stride { stamps = [] }
        Self.empty(&columns)
        rowCount = 0
        isNamed = false
    }

    private static func empty<Element>(_ array: inout [Element]) {
        if array.capacity > keptByteCount / MemoryLayout<Element>.stride {
            array = []
        } else {
            array.removeAll(keepingCapacity: true)
        }
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

    /// Appends a row in which every feature is missing.
    mutating func appendMissingRow(_ schema: RowSchema, _ limits: RowLimits) throws(RowError) {
        let (cells, limit) = (values.count + schema.featureCount, limits.cellCount)
        guard cells <= limit else { throw .tooManyCells(limit: limit, featureCount: schema.featureCount) }
        guard cells <= limits.promptCellCount else { throw .notPrompt }
        values.append(contentsOf: repeatElement(.nan, count: schema.featureCount))
    }

    /// Appends a row in which every feature is missing, for the values that have names.
    mutating func beginNamedRow(_ schema: RowSchema, _ limits: RowLimits) throws(RowError) {
        try appendMissingRow(schema, limits)
        isNamed = true
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
