import ModelTypes
import Names

/// The statistics of categories in cbm: their definitions in the core, and behind it a part with their tables, each a FlatBuffers
/// buffer of its own behind its length.
///
/// Source: `catboost/libs/model/flatbuffers/ctr_data.fbs`, `ctr_data.h`, `ctr_value_table.cpp` and `libs/helpers/dense_hash_view.h`
/// of CatBoost 1.2. A table has slots of twelve bytes, hash and row number; the hash of a free one is all ones. The rows are counts of
/// 32 bits, or a float32 and a count.
enum CatBoostTables {
    static let partName = "static_provider_v1"

    private typealias Statistic = CatBoostStatistic

    /// The combinations of a file, each read once wherever it is named, and numbered: what is kept for each statistic is small, however
    /// large its combination.
    struct Combinations {
        private var numbers: [CatBoostStatistic.Combination: Int] = [:]
        private var all: [CatBoostStatistic.Combination] = []
        /// Of the buffer that is read.
        private var known: [FlatBuffer.Table: Int] = [:]

        mutating func beginBuffer() { known.removeAll() }

        fileprivate mutating func number(
            of table: FlatBuffer.Table, _ read: () throws(ModelFormatError) -> CatBoostStatistic.Combination
        ) throws(ModelFormatError) -> (Int, CatBoostStatistic.Combination) {
            if let number = known[table] { return (number, all[number]) }
            let combination = try read()
            let number = numbers[combination] ?? all.count
            if number == all.count {
                all.append(combination)
                numbers[combination] = number
            }
            known[table] = number
            return (number, combination)
        }
    }

    // MARK: Definitions

    static func statistic(
        _ table: FlatBuffer.Table, _ buffer: inout FlatBuffer, _ combinations: inout Combinations, offset: Int
    ) throws(ModelFormatError) -> CatBoostStatistic {
        guard let definition = try buffer.table(0, of: table, CatBoostSchema.definition),
            let base = try buffer.table(0, of: definition, CatBoostSchema.base)
        else {
            throw ModelFormatError(.malformed("a statistic of categories"), at: offset)
        }
        var statistic = try self.base(base, &buffer, &combinations, offset: offset)
        statistic.targetBorder = Int(try buffer.value(1, of: definition, as: Int32.self) ?? 0)
        func float(_ field: Int) throws(ModelFormatError) -> Float? {
            try buffer.value(field, of: definition, as: UInt32.self).map { Float(bitPattern: $0) }
        }
        statistic.priorNumerator = try float(2) ?? 0
        statistic.priorDenominator = try float(3) ?? 1
        statistic.shift = try float(4) ?? 0
        statistic.scale = try float(5) ?? 1
        statistic.borders = try buffer.values(1, of: table, as: UInt32.self).map { Float(bitPattern: $0) }
        return statistic
    }

    /// Kind and combination, and what names their table.
    private static func base(
        _ table: FlatBuffer.Table, _ buffer: inout FlatBuffer, _ combinations: inout Combinations, offset: Int
    ) throws(ModelFormatError) -> CatBoostStatistic {
        guard let parts = try buffer.table(0, of: table, CatBoostSchema.combination),
            let kind = Statistic.Kind(rawValue: try buffer.value(1, of: table, as: UInt8.self) ?? 0)
        else { throw ModelFormatError(.malformed("a statistic of categories"), at: offset) }
        var statistic = Statistic()
        statistic.kind = kind
        let number: Int
        (number, statistic.combination) = try combinations.number(of: parts) { () throws(ModelFormatError) in
            try combination(parts, &buffer)
        }
        // The third field tells targets apart that are cut into classes in several ways.
        let classifier = try buffer.value(2, of: table, as: Int32.self) ?? 0
        statistic.table = "\(kind.rawValue) \(classifier) \(number)"
        return statistic
    }

    private static func combination(
        _ table: FlatBuffer.Table, _ buffer: inout FlatBuffer
    ) throws(ModelFormatError) -> CatBoostStatistic.Combination {
        var combination = Statistic.Combination()
        combination.categories = try buffer.values(0, of: table, as: Int32.self).map { Int($0) }
        // Structures of two words, the feature first.
        func feature(_ pair: UInt64) -> Int { Int(Int32(truncatingIfNeeded: pair)) }
        func detail(_ pair: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: pair >> 32) }
        combination.borders = try buffer.values(1, of: table, as: UInt64.self).map {
            Statistic.Combination.Border(feature: feature($0), border: Float(bitPattern: detail($0)))
        }
        combination.values = try buffer.values(2, of: table, as: UInt64.self).map {
            Statistic.Combination.Category(feature: feature($0), category: detail($0))
        }
        return combination
    }

    // MARK: Tables

    /// Reads the part: how many tables, then each behind its length.
    ///
    /// - Parameter combinations: Those of the core.
    static func read(
        _ cursor: inout ByteCursor, _ combinations: inout Combinations
    ) throws(ModelFormatError) -> [Name: CatBoostTable] {
        var tables: [Name: CatBoostTable] = [:]
        for _ in 0..<(try size(&cursor)) {
            let bytes = try cursor.slice(try size(&cursor))
            let offset = bytes.origin + bytes.count
            var buffer = FlatBuffer(bytes)
            combinations.beginBuffer()
            let root = try buffer.root(CatBoostSchema.table)
            guard let definition = try buffer.table(0, of: root, CatBoostSchema.base) else {
                throw ModelFormatError(.malformed("a table of statistics"), at: offset)
            }
            let base = try Self.base(definition, &buffer, &combinations, offset: offset)
            tables[Name(base.table)] = try table(root, base.kind, &buffer, offset: offset)
        }
        return tables
    }

    /// A length: 32 bits, and where these are all ones 64 more.
    private static func size(_ cursor: inout ByteCursor) throws(ModelFormatError) -> Int {
        let size = try cursor.littleEndian(UInt32.self)
        guard size == .max else { return Int(size) }
        guard let size = Int(exactly: try cursor.littleEndian(UInt64.self)) else {
            throw ModelFormatError(.truncated, at: cursor.offset)
        }
        return size
    }

    private static func table(
        _ root: FlatBuffer.Table, _ kind: CatBoostStatistic.Kind, _ buffer: inout FlatBuffer, offset: Int
    ) throws(ModelFormatError) -> CatBoostTable {
        var slots = try buffer.bytes(1, of: root)
        let rows = try buffer.bytes(2, of: root)
        var table = CatBoostTable()
        table.denominator = try buffer.value(3, of: root, as: Int32.self) ?? 0
        let classCount = Int(try buffer.value(4, of: root, as: Int32.self) ?? 0)
        table.stride = kind == .borders || kind == .buckets ? classCount : 1
        // As many bytes as a row has; a hostile count of classes is beyond what rows there are.
        let width = kind.isMean ? 8 : 4
        guard table.stride > 0, slots.count % 12 == 0 else {
            throw ModelFormatError(.inconsistent("counts of statistics"), at: offset)
        }
        let rowCount = rows.count / width / table.stride
        var isTaken = [Bool](repeating: false, count: rowCount)
        for _ in 0..<slots.count / 12 {
            let hash = try slots.littleEndian(UInt64.self)
            let row = Int(try slots.littleEndian(UInt32.self))
            if hash == CatBoostTable.absent { continue }
            // Each row is one hash's, so that what is made of the rows is no more than they are.
            guard row < rowCount, !isTaken[row] else {
                throw ModelFormatError(.inconsistent("counts of statistics"), at: offset)
            }
            isTaken[row] = true
            table.hashes.append(hash)
            var place = rows
            try place.skip(row * table.stride * width)
            if kind.isMean { table.sums.append(try place.float32()) }
            for _ in 0..<table.stride { table.counts.append(try place.littleEndian(Int32.self)) }
        }
        return table
    }
}
