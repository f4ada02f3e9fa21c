import ModelTypes

/// The searches that turn a row into the slots of numerical splits, and where their thresholds lie.
///
/// Thresholds lie in blocks of sixteen, so that a vector or two compare a block at once: all full ones and one that is not, filled
/// up with NaN, which is below nothing. From sixteen thresholds on there are levels of pivots above them: the last value of each
/// full block below. The highest level has one block, of sixteen pivots at the most; each other has its full blocks and one more.
struct SearchTable {
    /// One search, for one or two slots. Its fields are those of `lodestore_search`, in their order.
    struct Search {
        static let fieldCount = 10

        let feature: UInt32
        /// 0 NaN is missing, 1 NaN is zero, 2 NaN and magnitudes of nearly zero are missing.
        let rule: UInt32
        let firstThreshold: UInt32
        let thresholdCount: UInt32
        let firstPivot: UInt32
        let levelCount: UInt32
        var slots: (UInt32, UInt32)
        /// What each slot takes when the value is missing.
        var fills: (UInt32, UInt32)

        var fields: [UInt32] {
            [
                feature, rule, firstThreshold, thresholdCount, firstPivot, levelCount, slots.0, slots.1, fills.0,
                fills.1,
            ]
        }
    }

    private(set) var searches: [Search] = []

    /// - Parameters:
    ///   - features: Where each feature's thresholds are.
    ///   - slots: Those of numerical splits; slots of a feature that stand side by side share a search.
    init(
        features: [ModelImageView.FeatureEntry], slots: some RandomAccessCollection<ModelImageView.SlotEntry>
    ) {
        var firstPivots: [UInt32] = []
        var pivotCount = 0
        for feature in features {
            firstPivots.append(UInt32(pivotCount))
            pivotCount += Self.pivotCount(Int(feature.thresholdCount))
        }
        for (number, slot) in slots.enumerated() {
            let feature = features[Int(slot.feature)]
            let rule: UInt32
            let fill: UInt32
            switch SlotRule(rawValue: slot.rule) {
            case .nanRight: (rule, fill) = (0, feature.thresholdCount)
            case .nanIsZero: (rule, fill) = (1, 0)
            case .zeroLeft: (rule, fill) = (2, 0)
            case .zeroRight: (rule, fill) = (2, feature.thresholdCount)
            default: (rule, fill) = (0, 0)
            }
            if let last = searches.last, last.feature == slot.feature, last.rule == rule, last.slots.0 == last.slots.1 {
                searches[searches.count - 1].slots.1 = UInt32(number)
                searches[searches.count - 1].fills.1 = fill
                continue
            }
            searches.append(
                Search(
                    feature: slot.feature, rule: rule, firstThreshold: feature.firstThreshold,
                    thresholdCount: feature.thresholdCount, firstPivot: firstPivots[Int(slot.feature)],
                    levelCount: UInt32(Self.levelCount(Int(feature.thresholdCount))),
                    slots: (UInt32(number), UInt32(number)), fills: (fill, fill)))
        }
    }

    /// Where thresholds lie that are as many.
    static func features(thresholdCounts: [Int]) -> [ModelImageView.FeatureEntry] {
        var first = 0
        return thresholdCounts.map { count in
            defer { first += paddedCount(count) }
            return ModelImageView.FeatureEntry(firstThreshold: UInt32(first), thresholdCount: UInt32(count))
        }
    }

    /// Places that so many thresholds take.
    static func paddedCount(_ count: Int) -> Int { count == 0 ? 0 : 16 * (count / 16 + 1) }

    /// Levels of pivots above so many thresholds.
    static func levelCount(_ thresholdCount: Int) -> Int {
        var count = 0
        while thresholdCount >> (4 * count) > (count == 0 ? 15 : 16) { count += 1 }
        return count
    }

    /// Places that the pivots of so many thresholds take.
    static func pivotCount(_ thresholdCount: Int) -> Int {
        let levels = levelCount(thresholdCount)
        return (0..<levels).reduce(0) { $0 + placeCount(level: $1 + 1, of: levels, thresholdCount) }
    }

    private static func placeCount(level: Int, of levelCount: Int, _ thresholdCount: Int) -> Int {
        level == levelCount ? 16 : 16 * (thresholdCount >> (4 * level + 4) + 1)
    }

    /// The thresholds of a feature that are its pivots, level by level from the highest; nil where NaN fills up.
    static func forEachPivot(thresholdCount: Int, _ body: (Int?) -> Void) {
        let levels = levelCount(thresholdCount)
        for level in (0..<levels).reversed().map({ $0 + 1 }) {
            let count = thresholdCount >> (4 * level)
            for place in 0..<placeCount(level: level, of: levels, thresholdCount) {
                body(place < count ? (place + 1) << (4 * level) - 1 : nil)
            }
        }
    }
}
