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

/// Fills the slots of one row.
///
/// - Parameters:
///   - row: [featureCount], already in the image's input type.
///   - thresholds: The image's thresholds, of the same type.
///   - slots: Receives one value for each slot.
@inline(__always)
func prepare<Value: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ image: borrowing ModelImageView, _ thresholds: UnsafePointer<Value>,
    _ slots: UnsafeMutablePointer<UInt32>
) {
    let features = unsafe image.features.baseAddress
    let entries = unsafe image.slots
    let isStrict = image.comparison == .less
    var lastFeature = UInt32.max
    var rank: UInt32 = 0
    for index in 0..<image.numericalSlotCount {
        let entry = unsafe entries[index]
        let value = unsafe row[Int(entry.feature)]
        // Invariant: a forest with slots has features.
        let feature = unsafe features.unsafelyUnwrapped[Int(entry.feature)]
        if entry.feature != lastFeature {
            lastFeature = entry.feature
            rank = unsafe rankOf(value, thresholds + Int(feature.firstThreshold), Int(feature.thresholdCount), isStrict)
        }
        var slot = rank
        switch entry.rule {
        case SlotRule.nanLeft.rawValue: if value.isNaN { slot = 0 }
        case SlotRule.nanRight.rawValue: if value.isNaN { slot = feature.thresholdCount }
        case SlotRule.nanIsZero.rawValue:
            if value.isNaN {
                slot = unsafe rankOf(0, thresholds + Int(feature.firstThreshold), Int(feature.thresholdCount), isStrict)
            }
        case SlotRule.zeroLeft.rawValue:
            if value.isNaN || Double(value.magnitude) <= MissingRule.zeroMagnitude { slot = 0 }
        default:
            if value.isNaN || Double(value.magnitude) <= MissingRule.zeroMagnitude { slot = feature.thresholdCount }
        }
        unsafe slots[index] = slot
    }
    for index in image.numericalSlotCount..<image.slotCount {
        let entry = unsafe entries[index]
        let value = unsafe row[Int(entry.feature)]
        unsafe slots[index] = category(
            Double(value), nan: entry.rule == SlotRule.categoryNaNRight.rawValue ? CategorySlot.every : CategorySlot.none,
            image.categoryRule)
    }
}

/// How many thresholds are ≤ value (`isStrict`: splits ask x < t) or < value (splits ask x ≤ t). For NaN: none.
@inline(__always)
private func rankOf<Value: BinaryFloatingPoint>(
    _ value: Value, _ thresholds: UnsafePointer<Value>, _ count: Int, _ isStrict: Bool
) -> UInt32 {
    var low = 0
    var length = count
    while length > 0 {
        let half = (length + 1) >> 1
        let probe = unsafe thresholds[low + half - 1]
        // Both sides are computed and one is taken: no branch to mispredict.
        let isBelow = isStrict ? probe <= value : probe < value
        low += isBelow ? half : 0
        length = isBelow ? length - half : half - 1
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
