/// The rows of one request after another: read into the same memory, so that a steady load allocates nothing.
///
/// One event loop owns one buffer for each number type.
package struct RowBuffer<Number: RowNumber>: Sendable {
    /// Row-major, shape [rowCount, featureCount]; NaN means missing.
    package internal(set) var values: [Number] = []
    package internal(set) var rowCount = 0

    package init() {}

    /// Reads a whole body, replacing the rows of the request before.
    ///
    /// - Parameters:
    ///   - body: lent for the call.
    ///   - featureCount: how many fields a row must have, 1 or more.
    ///   - limitRows: more rows than this are refused before they are kept.
    /// - Throws: ``RowError``; the buffer then holds no rows.
    @specialized(where Number == Float)
    @specialized(where Number == Double)
    package mutating func read(
        _ body: UnsafeRawBufferPointer, as format: RowFormat, featureCount: Int, limitRows: Int
    ) throws(RowError) {
        precondition(featureCount > 0 && limitRows > 0, "a row has a field, and one row is always allowed")
        clear()
        do throws(RowError) {
            switch format {
            case .csv: try unsafe readCSV(body.assumingMemoryBound(to: UInt8.self), featureCount, limitRows)
            case .json: try unsafe readJSON(body, featureCount, limitRows)
            }
            guard rowCount > 0 else { throw .noRows }
            try checkFinite(featureCount)
        } catch {
            clear()
            throw error
        }
    }

    mutating func clear() {
        values.removeAll(keepingCapacity: true)
        rowCount = 0
    }

    /// Infinities are refused, as the reference libraries refuse them: no split was trained on one.
    func checkFinite(_ featureCount: Int) throws(RowError) {
        for index in values.indices where values[index].isInfinite {
            throw .notFinite(row: index / featureCount + 1, column: index % featureCount + 1)
        }
    }
}
