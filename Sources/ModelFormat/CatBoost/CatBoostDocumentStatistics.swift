import JSONReader
import ModelTypes
import Names

/// The statistics of categories in CatBoost's JSON: definitions among the features, tables under `ctr_data`, and splits that know
/// them by a number among all splits of the model.
///
/// Source: `catboost/libs/model/model_export/json_model_helpers.cpp` of CatBoost 1.2. A table's `hash_map` is one array: a hash, as
/// a text, then what was counted for it, and so on. The library itself reads sums that are not whole as 0; here they are what the
/// file says, so that JSON scores as the cbm that it was written beside.
struct CatBoostDocumentStatistics {
    /// Borders of numbers, and categories that splits may ask for: splits number them before the borders of statistics.
    var borderCount = 0
    private var definitions: [CatBoostStatistic] = []
    private var tables: [Name: RawTable] = [:]

    private struct RawTable {
        var hashes: [UInt64] = []
        /// The same number of them for each hash.
        var numbers: [Double] = []
        var denominator: Int32 = 0
    }

    // MARK: Definitions

    mutating func readDefinitions(_ json: inout JSONReader) throws(ModelFormatError) {
        guard try json.takeKind() == .array else { return try CatBoostDocument.skipNull(&json, "ctrs") }
        try json.enterArray()
        while try json.takeElement() { definitions.append(try Self.readDefinition(&json)) }
    }

    private static func readDefinition(_ json: inout JSONReader) throws(ModelFormatError) -> CatBoostStatistic {
        var statistic = CatBoostStatistic()
        let place = "features_info.ctrs[]"
        try json.eachKey(of: CatBoostKeys.Statistic.self, at: place) { (json, key) throws(ModelFormatError) in
            switch key {
            case .identifier: statistic.table = try json.takeString()
            case .elements:
                try json.enterArray()
                while try json.takeElement() { try readElement(&json, &statistic.combination, at: place) }
            case .kind:
                guard let kind = CatBoostStatistic.Kind(name: try json.takeString()) else {
                    throw ModelFormatError(.unsupported("this kind of CTR"), at: json.documentOffset)
                }
                statistic.kind = kind
            case .priorNumerator: statistic.priorNumerator = try json.takeFloat()
            case .priorDenominator: statistic.priorDenominator = try json.takeFloat()
            case .shift: statistic.shift = try json.takeFloat()
            case .scale: statistic.scale = try json.takeFloat()
            case .targetBorder: statistic.targetBorder = try json.takeInt()
            case .borders:
                guard try json.takeKind() == .array else { return try CatBoostDocument.skipNull(&json, key.rawValue) }
                statistic.borders = try json.takeFloats()
            }
        }
        return statistic
    }

    private static func readElement(
        _ json: inout JSONReader, _ combination: inout CatBoostStatistic.Combination, at place: String
    ) throws(ModelFormatError) {
        var (feature, border, category) = (-1, Float.nan, UInt32(0))
        var kind = ""
        let place = "\(place).elements[]"
        try json.eachKey(of: CatBoostKeys.Element.self, at: place) { (json, key) throws(ModelFormatError) in
            switch key {
            case .number, .category: feature = try json.takeInt()
            case .border: border = try json.takeFloat()
            case .value: category = try CatBoostDocument.takeCategory(&json)
            case .kind: kind = try json.takeString()
            }
        }
        switch kind {
        case "cat_feature_value": combination.categories.append(feature)
        case "float_feature": combination.borders.append(.init(feature: feature, border: border))
        case "cat_feature_exact_value": combination.values.append(.init(feature: feature, category: category))
        default: throw ModelFormatError(.malformed("a combination of features"), at: json.documentOffset)
        }
    }

    // MARK: Tables

    mutating func readTables(_ json: inout JSONReader) throws(ModelFormatError) {
        guard try json.takeKind() == .object else { return try CatBoostDocument.skipNull(&json, "ctr_data") }
        try json.enterObject()
        while let name = try json.takeKey() {
            guard tables.updateValue(try Self.readTable(&json), forKey: Name(name)) == nil else {
                throw ModelFormatError(.inconsistent("a table of ctr_data, given twice"), at: json.documentOffset)
            }
        }
    }

    private static func readTable(_ json: inout JSONReader) throws(ModelFormatError) -> RawTable {
        var table = RawTable()
        try json.eachKey(of: CatBoostKeys.Table.self, at: "ctr_data[]") { (json, key) throws(ModelFormatError) in
            switch key {
            case .denominator:
                guard let denominator = Int32(exactly: try json.takeInt()) else {
                    throw ModelFormatError(.malformed("counter_denominator"), at: json.documentOffset)
                }
                table.denominator = denominator
            case .hashes:
                guard try json.takeKind() == .array else { return try CatBoostDocument.skipNull(&json, key.rawValue) }
                try readHashes(&json, &table)
            }
        }
        return table
    }

    private static func readHashes(_ json: inout JSONReader, _ table: inout RawTable) throws(ModelFormatError) {
        func malformed(_ json: borrowing JSONReader) -> ModelFormatError {
            ModelFormatError(.malformed("hash_map"), at: json.documentOffset)
        }
        try json.enterArray()
        var stride: Int?
        var count = 0
        while try json.takeElement() {
            guard try json.takeKind() == .string else {
                table.numbers.append(try json.takeDouble())
                count += 1
                continue
            }
            guard let hash = UInt64(try json.takeString()), table.hashes.isEmpty || count == stride ?? count else {
                throw malformed(json)
            }
            if !table.hashes.isEmpty { stride = count }
            count = 0
            table.hashes.append(hash)
        }
        // Each hash has as many numbers as any other, and none stands before the first.
        guard count == stride ?? count, table.numbers.count == table.hashes.count * count else { throw malformed(json) }
    }

    // MARK: The whole

    /// Gives the draft its statistics and tables, and its splits the numbers of their statistics.
    func complete(_ draft: inout CatBoostDraft, offset: Int) throws(ModelFormatError) {
        draft.statistics = definitions
        for definition in definitions where draft.tables[Name(definition.table)] == nil {
            guard let raw = tables[Name(definition.table)] else { continue }
            guard let table = Self.table(raw, definition.kind) else {
                throw ModelFormatError(.inconsistent("counts of statistics"), at: offset)
            }
            draft.tables[Name(definition.table)] = table
        }
        var owners: [(number: Int, border: Float)] = []
        for (number, definition) in definitions.enumerated() {
            for border in definition.borders { owners.append((number, border)) }
        }
        for tree in draft.trees.indices {
            for split in draft.trees[tree].splits.indices {
                guard case .statistic(let index, let border) = draft.trees[tree].splits[split] else { continue }
                let position = index.subtractingReportingOverflow(borderCount).partialValue
                guard owners.indices.contains(position), owners[position].border == border else {
                    throw ModelFormatError(.inconsistent("a split's number"), at: offset)
                }
                draft.trees[tree].splits[split] = .statistic(number: owners[position].number, border: border)
            }
        }
    }

    /// Nil where the numbers are none of this kind's.
    private static func table(_ raw: RawTable, _ kind: CatBoostStatistic.Kind) -> CatBoostTable? {
        var table = CatBoostTable()
        table.denominator = raw.denominator
        guard !raw.hashes.isEmpty else { return table }
        let width = raw.numbers.count / raw.hashes.count
        table.stride = kind.isMean ? width - 1 : width
        guard table.stride > 0, !kind.isMean || width == 2 else { return nil }
        for (row, hash) in raw.hashes.enumerated() where hash != CatBoostTable.absent {
            var numbers = raw.numbers[row * width..<(row + 1) * width]
            table.hashes.append(hash)
            if kind.isMean { table.sums.append(Float(numbers.removeFirst())) }
            for number in numbers {
                guard let count = Int32(exactly: number) else { return nil }
                table.counts.append(count)
            }
        }
        return table
    }
}
