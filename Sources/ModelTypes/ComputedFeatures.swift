/// Numbers that a forest asks beside a row's own features: what tables hold for the combination of values in the row.
///
/// Columns of texts hold categories as ``CategoryHash/number(_:)`` has them. A projection makes one hash of some of a row's values; its
/// columns each have a number for every hash that is known, and one for all others.
package struct ComputedFeatures: Hashable, Sendable {
    /// One step of a projection's hash.
    package enum Part: Hashable, Sendable {
        case category(column: Int32)
        /// 1 when the number is above the threshold, else 0.
        case isAbove(column: Int32, threshold: Double, nanIsAbove: Bool)
        /// 1 when the column holds this category, else 0.
        case isCategory(column: Int32, category: UInt32)
    }

    package struct Projection: Hashable, Sendable {
        package let parts: [Part]
        /// The hashes that are known, each once.
        package let keys: [UInt64]
        package let columns: [Column]

        package init(parts: [Part], keys: [UInt64], columns: [Column]) {
            self.parts = parts
            self.keys = keys
            self.columns = columns
        }
    }

    package struct Column: Hashable, Sendable {
        /// One for each key.
        package let values: [Float]
        /// For any other hash.
        package let other: Float

        package init(values: [Float], other: Float) {
            self.values = values
            self.other = other
        }
    }

    /// The columns of a row that hold categories, rising.
    package let textColumns: [Int32]
    package let projections: [Projection]
    /// Numbers computed for a row. They lie behind its features, projection by projection.
    package let columnCount: Int

    package static let none = ComputedFeatures(textColumns: [], projections: [])

    package init(textColumns: [Int32], projections: [Projection]) {
        self.textColumns = textColumns
        self.projections = projections
        columnCount = projections.reduce(0) { $0 + $1.columns.count }
    }

    package var isEmpty: Bool { textColumns.isEmpty && projections.isEmpty }

    /// The first projection that is unsound, -1 for the columns of texts; nil where all is well.
    func firstFault(featureCount: Int) -> Int? {
        for (index, column) in textColumns.enumerated() {
            guard column >= 0, column < featureCount, index == 0 || textColumns[index - 1] < column else { return -1 }
        }
        let texts = Set(textColumns)
        func isSound(_ part: Part) -> Bool {
            switch part {
            case .category(let column), .isCategory(let column, _): texts.contains(column)
            case .isAbove(let column, let threshold, _): column >= 0 && column < featureCount && !threshold.isNaN
            }
        }
        return projections.firstIndex { projection in
            projection.parts.isEmpty || !projection.parts.allSatisfy(isSound)
                || Set(projection.keys).count != projection.keys.count
                || !projection.columns.allSatisfy { $0.values.count == projection.keys.count }
        }
    }
}
