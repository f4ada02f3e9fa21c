import ModelTypes

/// A statistic of the target, CatBoost's CTR: which rows it counts together, what it makes of the counts, and its borders.
///
/// Source: `catboost/libs/model/online_ctr.h` and `static_ctr_provider.cpp` of CatBoost 1.2.
struct CatBoostStatistic {
    /// Raw values are the numbers in cbm.
    enum Kind: UInt8 {
        case borders = 0
        case buckets = 1
        case binarizedTargetMean = 2
        case floatTargetMean = 3
        case counter = 4
        case featureFrequency = 5

        /// From the name in JSON.
        init?(name: String) {
            switch name {
            case "Borders": self = .borders
            case "Buckets": self = .buckets
            case "BinarizedTargetMeanValue": self = .binarizedTargetMean
            case "FloatTargetMeanValue": self = .floatTargetMean
            case "Counter": self = .counter
            case "FeatureFreq": self = .featureFrequency
            default: return nil
            }
        }

        /// Whether tables hold a sum and a count, and not counts alone.
        var isMean: Bool { self == .binarizedTargetMean || self == .floatTargetMean }
    }

    /// What rows must have in common to be counted together. The library hashes the parts in this order.
    struct Combination: Hashable {
        struct Border: Hashable {
            var feature: Int
            var border: Float
        }
        struct Category: Hashable {
            var feature: Int
            var category: UInt32
        }

        var categories: [Int] = []
        var borders: [Border] = []
        var values: [Category] = []
    }

    var combination = Combination()
    var kind = Kind.borders
    /// What the file calls the table, which statistics of one kind and combination share.
    var table = ""
    var targetBorder = 0
    var priorNumerator: Float = 0
    var priorDenominator: Float = 1
    var shift: Float = 0
    var scale: Float = 1
    var borders: [Float] = []

    /// In float32, step by step as the library computes it.
    func value(_ count: Float, of total: Float) -> Float {
        let share = (count + priorNumerator) / (total + priorDenominator)
        return (share + shift) * scale
    }

    /// For each hash of the table, and for a hash that it does not have; nil when the table does not fit.
    func values(_ table: CatBoostTable) -> ComputedFeatures.Column? {
        let rows = table.hashes.indices
        let stride = table.stride
        guard table.counts.count == rows.count * stride else { return nil }
        switch kind {
        case .binarizedTargetMean, .floatTargetMean:
            guard stride == 1, table.sums.count == rows.count else { return nil }
            return ComputedFeatures.Column(
                values: rows.map { value(table.sums[$0], of: Float(table.counts[$0])) }, other: value(0, of: 0))
        case .counter, .featureFrequency:
            guard stride == 1 else { return nil }
            let total = Float(table.denominator)
            return ComputedFeatures.Column(
                values: table.counts.map { value(Float($0), of: total) }, other: value(0, of: total))
        case .buckets, .borders:
            guard stride > 0, targetBorder >= 0, targetBorder < stride, kind == .buckets || stride > 1 else {
                return nil
            }
            return ComputedFeatures.Column(
                values: rows.map { row in
                    let classes = table.counts[row * stride..<(row + 1) * stride]
                    let first = classes.startIndex + targetBorder
                    // Counts are the library's int: they wrap. Of two classes it takes the second, whatever the border.
                    let counted =
                        switch kind {
                        case .buckets: classes[first...first]
                        default: stride == 2 ? classes.suffix(1) : classes[(first + 1)...]
                        }
                    return value(Float(counted.reduce(0, &+)), of: Float(classes.reduce(0, &+)))
                }, other: value(0, of: 0))
        }
    }
}

/// What was counted for each hash of a combination.
struct CatBoostTable {
    /// Ends a search in the library's tables, and so is never found.
    static let absent = UInt64.max

    var hashes: [UInt64] = []
    /// How many counts a hash has: one for each class of the target, or one.
    var stride = 1
    var counts: [Int32] = []
    /// Of means: a sum for each hash beside its count.
    var sums: [Float] = []
    /// Of counters: what is taken for the total.
    var denominator: Int32 = 0
}
