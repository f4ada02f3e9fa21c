import ModelTypes

/// Lays out what is computed from a row: the parts of each projection, its hash table, and its columns' numbers side by side.
struct ComputedCompiler {
    private struct Table {
        let slots: [UInt32]
        let slotCount: Int
    }

    private let computed: ComputedFeatures
    private var tables: [Table] = []

    init(_ computed: ComputedFeatures) throws(ImageCompilerError) {
        self.computed = computed
        var (partCount, slotCount, valueCount) = (0, 0, 0)
        for (index, projection) in computed.projections.enumerated() {
            let table = try Self.table(projection.keys, index)
            tables.append(table)
            partCount += projection.parts.count
            slotCount += table.slotCount
            valueCount += (projection.keys.count + 1) * projection.columns.count
            guard max(partCount, slotCount, valueCount) <= Int(Int32.max) else { throw .tooLarge("statistics") }
        }
    }

    /// Open addressing, at most half full, so large that no search takes more than ``TextHash/maxProbes`` slots.
    private static func table(_ keys: [UInt64], _ projection: Int) throws(ImageCompilerError) -> Table {
        var count = 2
        while count < 2 * keys.count { count *= 2 }
        for _ in 0..<3 {
            if let slots = placed(keys, slotCount: count) { return Table(slots: slots, slotCount: count) }
            count *= 2
        }
        throw .hashesCollide(projection: projection)
    }

    /// For each slot a key, lower half first, and 1 + its number; zeros where free.
    private static func placed(_ keys: [UInt64], slotCount: Int) -> [UInt32]? {
        var slots = [UInt32](repeating: 0, count: 3 * slotCount)
        for (number, key) in keys.enumerated() {
            var position = ComputedTables.start(of: key) & (slotCount - 1)
            var probeCount = 1
            while slots[3 * position + 2] != 0 {
                position = (position + 1) & (slotCount - 1)
                probeCount += 1
                guard probeCount <= TextHash.maxProbes else { return nil }
            }
            slots[3 * position] = UInt32(truncatingIfNeeded: key)
            slots[3 * position + 1] = UInt32(truncatingIfNeeded: key >> 32)
            slots[3 * position + 2] = UInt32(number + 1)
        }
        return slots
    }

    func writeProjections(to writer: inout ImageWriter) {
        writer.append(UInt32(computed.textColumns.count))
        writer.append(UInt32(computed.projections.count))
        writer.append(UInt32(computed.columnCount))
        writer.append(UInt32(tables.reduce(0) { $0 + $1.slotCount }))
        for column in computed.textColumns { writer.append(UInt32(column)) }
        var (part, slot, value) = (0, 0, 0)
        for (projection, table) in zip(computed.projections, tables) {
            for number in [
                part, projection.parts.count, slot, table.slotCount, value, projection.keys.count,
                projection.columns.count, 0,
            ] { writer.append(UInt32(number)) }
            part += projection.parts.count
            slot += table.slotCount
            value += (projection.keys.count + 1) * projection.columns.count
        }
    }

    func writeParts(to writer: inout ImageWriter) {
        for part in computed.projections.lazy.flatMap(\.parts) {
            let (kind, column, detail): (ComputedTables.PartKind, Int32, UInt64) =
                switch part {
                case .category(let column): (.category, column, 0)
                case .isAbove(let column, let threshold, let nanIsAbove):
                    (nanIsAbove ? .isAboveOrNaN : .isAbove, column, threshold.bitPattern)
                case .isCategory(let column, let category): (.isCategory, column, UInt64(category))
                }
            writer.append(kind.rawValue)
            writer.append(UInt32(column))
            writer.append(detail)
        }
    }

    func writeTables(to writer: inout ImageWriter) {
        for slot in tables.lazy.flatMap(\.slots) { writer.append(slot) }
        for projection in computed.projections {
            for column in projection.columns { writer.append(column.other.bitPattern) }
            for key in projection.keys.indices {
                for column in projection.columns { writer.append(column.values[key].bitPattern) }
            }
        }
    }
}
