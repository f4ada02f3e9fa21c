// From a row of features to the slots that words ask: ranks among the thresholds, and categories.
//
// One search for each feature that occurs, in the input type of the source library; then one store for each slot. The
// searches are free of branches that depend on the data, so that those of neighbouring features overlap.

import ModelImage
import ModelTypes

/// Special values of a categorical slot.
enum CategorySlot {
    /// Belongs to no set.
    static let none: UInt32 = .max
    /// Belongs to every set: a missing value whose default is right.
    static let every: UInt32 = .max - 1
}

/// Fills the slots of numerical splits.
///
/// - Parameters:
///   - row: [featureCount], already in the image's input type.
///   - thresholds: The image's thresholds, of the same type.
///   - slots: Receives one value for each slot.
func prepareRanks<Value: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ image: borrowing ModelImageView, _ thresholds: UnsafePointer<Value>,
    _ slots: UnsafeMutablePointer<UInt32>
) {
    if image.comparison == .less {
        unsafe prepareRanks(row, image, thresholds, slots, isInclusive: true)
    } else {
        unsafe prepareRanks(row, image, thresholds, slots, isInclusive: false)
    }
}

@inline(__always)
private func prepareRanks<Value: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ image: borrowing ModelImageView, _ thresholds: UnsafePointer<Value>,
    _ slots: UnsafeMutablePointer<UInt32>, isInclusive: Bool
) {
    let entries = unsafe image.slots
    for index in 0..<image.numericalSlotCount {
        let entry = unsafe entries[index]
        var value = unsafe row[Int(entry.feature)]
        var isMissing = value.isNaN
        let feature = unsafe image.features[Int(entry.feature)]
        // The numbers of SlotRule: its cases are known to the module that validates.
        if entry.rule == 2, isMissing { value = 0 }
        if entry.rule >= 3 { isMissing = isMissing || Double(value.magnitude) <= MissingRule.zeroMagnitude }
        var slot = unsafe rankOf(
            value, thresholds + Int(feature.firstThreshold), Int(feature.thresholdCount), isInclusive)
        if isMissing, entry.rule != 2 {
            slot = entry.rule & 1 == (entry.rule >= 3 ? 0 : 1) ? feature.thresholdCount : 0
        }
        unsafe slots[index] = slot
    }
}

/// Fills the slots of categorical splits, which come behind the others.
@inline(__always)
func prepareCategories<Value: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ image: borrowing ModelImageView, _ slots: UnsafeMutablePointer<UInt32>
) {
    let entries = unsafe image.slots
    for index in image.numericalSlotCount..<entries.count {
        let entry = unsafe entries[index]
        let nan = entry.rule == SlotRule.categoryNaNRight.rawValue ? CategorySlot.every : CategorySlot.none
        unsafe slots[index] = category(Double(row[Int(entry.feature)]), nan: nan, image.categoryRule)
    }
}

/// How many thresholds are ≤ value (`isInclusive`: splits ask x < t) or < value (splits ask x ≤ t). For NaN: none.
///
/// The number of probes depends on `count` alone, and each moves by an addition: nothing to mispredict.
@inline(__always)
private func rankOf<Value: BinaryFloatingPoint>(
    _ value: Value, _ thresholds: UnsafePointer<Value>, _ count: Int, _ isInclusive: Bool
) -> UInt32 {
    var low = 0
    var length = count
    while length > 0 {
        let half = (length &+ 1) >> 1
        let probe = unsafe thresholds[low &+ half &- 1]
        let isBelow = isInclusive ? probe <= value : probe < value
        low &+= half & (0 &- (isBelow ? 1 : 0))
        length &-= half
    }
    return UInt32(truncatingIfNeeded: low)
}

/// The number of the category that a value names.
private func category(_ value: Double, nan: UInt32, _ rule: Forest.CategoryRule) -> UInt32 {
    if value.isNaN { return nan }
    switch rule {
    case .nonNegative: return value < 0 || value >= 16_777_215 ? CategorySlot.none : UInt32(value)
    case .truncated: return value <= -1 || value >= 2_147_483_648 ? CategorySlot.none : UInt32(max(value, 0))
    }
}

/// Whether a categorical slot's value belongs to a set: then the walk goes right.
@inline(__always)
func isMember(_ slot: UInt32, of set: Int, _ image: borrowing ModelImageView) -> Bool {
    if slot >= CategorySlot.every { return slot == CategorySlot.every }
    let entry = unsafe image.categorySets[set]
    guard slot >> 5 < entry.wordCount else { return false }
    return unsafe image.categoryWords[Int(entry.firstWord + (slot >> 5))] >> (slot & 31) & 1 == 1
}
