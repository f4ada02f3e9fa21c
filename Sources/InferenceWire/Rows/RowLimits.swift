/// How much the rows of one request may come to.
package struct RowLimits: Sendable {
    /// More rows are refused before they are kept.
    package var rowCount: Int
    /// Rows times features. A row that names its features, or comes under a CSV header, takes a number for every feature whether
    /// it has it or not: what its request takes is not bounded by its bytes.
    package var cellCount: Int
    /// The same as `cellCount` for a caller who must not be held up: beyond it the rows are given up, to be read elsewhere.
    package var promptCellCount: Int

    /// 32 MiB of Float.
    package static let cellCount = 1 << 23

    package init(rowCount: Int, cellCount: Int = Self.cellCount, promptCellCount: Int = .max) {
        precondition(rowCount > 0, "one row is always allowed")
        self.rowCount = rowCount
        self.cellCount = cellCount
        self.promptCellCount = promptCellCount
    }
}
