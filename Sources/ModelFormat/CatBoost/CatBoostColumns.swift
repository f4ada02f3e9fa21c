import ModelTypes
import Names

/// How a draft's splits become nodes: by columns of the row, and by columns computed from it for what categories are asked.
///
/// A model with columns of categories compares in float64, which holds their hashes. The library rounds numbers to float32 before it
/// compares them; as rounding never turns two numbers around, each border moves to the last number that rounds to no more than it.
/// A split that asks for one category becomes a computed column that is 1 for this category and 0 for any other.
struct CatBoostColumns {
    /// How many columns that ask for one category share a look-up.
    private static let indicatorLimit = 32

    let featureCount: Int
    let inputType: NumberType
    private(set) var computed = ComputedFeatures.none
    private let offset: Int
    private var numbers: [Int: CatBoostDraft.FloatFeature] = [:]
    private var categories: [Int: Int32] = [:]
    /// The computed columns, counted from the row's first.
    private var categoryColumns: [CatBoostStatistic.Combination.Category: Int32] = [:]
    private var statisticColumns: [Int: Int32] = [:]

    /// - Parameter featureCount: Columns of a row, all in ``CatBoostDraft/columns``.
    init(
        _ draft: CatBoostDraft, featureCount: Int, limits: ModelLimits, offset: Int
    ) throws(ModelFormatError) {
        self.featureCount = featureCount
        self.offset = offset
        inputType = draft.categories.isEmpty ? .float32 : .float64
        for feature in draft.features { numbers[feature.index] = feature }
        for feature in draft.categories {
            guard let column = Int32(exactly: feature.flatIndex) else { throw refuse("a column of categories") }
            categories[feature.index] = column
        }
        guard Set(categories.values).count == draft.categories.count else { throw refuse("a column of categories") }
        var projections: [ComputedFeatures.Projection] = []
        var next = featureCount
        let (values, statistics) = Self.used(draft)
        for feature in values.keys.sorted() {
            let asked = values[feature]!.sorted()
            guard let column = categories[feature] else { throw refuse("a split's feature") }
            for (index, category) in asked.enumerated() {
                categoryColumns[.init(feature: feature, category: category)] = Int32(next + index)
            }
            next += asked.count
            // Each category has a number in each column: in one projection they would be the square of how many are asked.
            for start in stride(from: 0, to: asked.count, by: Self.indicatorLimit) {
                let some = asked[start..<min(start + Self.indicatorLimit, asked.count)]
                projections.append(Self.indicators(of: Array(some), in: column))
            }
        }
        var budget = limits.maxStatisticCount
        for (name, numbers) in Self.grouped(statistics, draft) {
            guard let table = draft.tables[Name(name)] else { throw refuse("statistics without a table") }
            budget -= (table.hashes.count + 1) * numbers.count
            guard budget >= 0 else { throw ModelFormatError(.tooLarge("statistics"), at: offset) }
            for (index, number) in numbers.enumerated() { statisticColumns[number] = Int32(next + index) }
            projections.append(try projection(of: numbers.map { draft.statistics[$0] }, table))
            next += numbers.count
        }
        computed = ComputedFeatures(textColumns: categories.values.sorted(), projections: projections)
    }

    private func refuse(_ what: String) -> ModelFormatError { ModelFormatError(.inconsistent(what), at: offset) }

    /// The categories and statistics that splits ask; a model has more of them than it asks.
    private static func used(_ draft: CatBoostDraft) -> ([Int: Set<UInt32>], Set<Int>) {
        var values: [Int: Set<UInt32>] = [:]
        var statistics: Set<Int> = []
        for split in draft.trees.lazy.flatMap(\.splits) {
            switch split {
            case .above: break
            case .category(let feature, let category): values[feature, default: []].insert(category)
            case .statistic(let number, _): statistics.insert(number)
            }
        }
        return (values, statistics)
    }

    /// The numbers of the statistics of each table, in the file's order.
    private static func grouped(_ statistics: Set<Int>, _ draft: CatBoostDraft) -> [(String, [Int])] {
        var groups: [(String, [Int])] = []
        var positions: [Name: Int] = [:]
        for number in statistics.sorted() {
            let name = draft.statistics[number].table
            if let position = positions[Name(name)] {
                groups[position].1.append(number)
            } else {
                positions[Name(name)] = groups.count
                groups.append((name, [number]))
            }
        }
        return groups
    }

    private static func indicators(of asked: [UInt32], in column: Int32) -> ComputedFeatures.Projection {
        ComputedFeatures.Projection(
            parts: [.category(column: column)], keys: asked.map { CategoryHash.combined(0, CategoryHash.part($0)) },
            columns: asked.indices.map { index in
                ComputedFeatures.Column(values: asked.indices.map { $0 == index ? 1 : 0 }, other: 0)
            })
    }

    private func projection(
        of statistics: [CatBoostStatistic], _ table: CatBoostTable
    ) throws(ModelFormatError) -> ComputedFeatures.Projection {
        guard let combination = statistics.first?.combination,
            statistics.allSatisfy({ $0.combination == combination }),
            Set(table.hashes).count == table.hashes.count
        else { throw refuse("statistics of one table") }
        var parts: [ComputedFeatures.Part] = []
        for feature in combination.categories { parts.append(.category(column: try categoryColumn(feature))) }
        for split in combination.borders {
            let (column, threshold, nanIsAbove) = try number(split.feature, above: split.border)
            parts.append(.isAbove(column: column, threshold: threshold, nanIsAbove: nanIsAbove))
        }
        for split in combination.values {
            parts.append(.isCategory(column: try categoryColumn(split.feature), category: split.category))
        }
        guard !parts.isEmpty else { throw refuse("statistics of nothing") }
        var columns: [ComputedFeatures.Column] = []
        for statistic in statistics {
            guard let column = statistic.values(table) else { throw refuse("counts of statistics") }
            columns.append(column)
        }
        return ComputedFeatures.Projection(parts: parts, keys: table.hashes, columns: columns)
    }

    private func categoryColumn(_ feature: Int) throws(ModelFormatError) -> Int32 {
        guard let column = categories[feature] else { throw refuse("a split's feature") }
        return column
    }

    // MARK: Splits

    /// The node of a split: left when the column's number is at most the threshold.
    func node(of split: CatBoostDraft.Split, left: Int32, right: Int32) throws(ModelFormatError) -> TreeNode {
        switch split {
        case .above(let feature, let border):
            let (column, threshold, nanIsAbove) = try number(feature, above: border)
            return .numerical(
                feature: column, threshold: threshold, missing: nanIsAbove ? .nanRight : .nanLeft, left: left,
                right: right)
        case .category(let feature, let category):
            guard let column = categoryColumns[.init(feature: feature, category: category)] else {
                throw refuse("a split's feature")
            }
            return .numerical(feature: column, threshold: 0.5, missing: .nanLeft, left: left, right: right)
        case .statistic(let number, let border):
            guard let column = statisticColumns[number] else { throw refuse("a split's feature") }
            return .numerical(
                feature: column, threshold: Double(border), missing: .nanLeft, left: left, right: right)
        }
    }

    private func number(
        _ feature: Int, above border: Float
    ) throws(ModelFormatError) -> (column: Int32, threshold: Double, nanIsAbove: Bool) {
        guard let feature = numbers[feature], let column = Int32(exactly: feature.flatIndex), !border.isNaN else {
            throw refuse("a split's feature")
        }
        // NaN that is the greatest value becomes infinity, which is above every border but itself.
        let nanIsAbove = feature.hasNaNs && feature.isNaNGreatest && border < .infinity
        return (column, inputType == .float64 ? Self.last(notAbove: border) : Double(border), nanIsAbove)
    }

    /// The greatest float64 that rounds to a float32 of at most `border`.
    static func last(notAbove border: Float) -> Double {
        guard border < .infinity else { return .infinity }
        // What is beyond float32 rounds to infinity as if infinity were the next power of two.
        func place(_ value: Float) -> Double { value.isInfinite ? (value < 0 ? -0x1p128 : 0x1p128) : Double(value) }
        let middle = (place(border) + place(border.nextUp)) / 2
        return Float(middle) > border ? middle.nextDown : middle
    }
}
