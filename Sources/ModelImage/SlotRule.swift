import ModelTypes

/// How a slot gets its value from a feature: the numbers of ``MissingRule`` for numerical splits, two more for categories.
package enum SlotRule: UInt32, Hashable, Sendable, CaseIterable {
    case nanLeft = 0
    case nanRight = 1
    case nanIsZero = 2
    case zeroLeft = 3
    case zeroRight = 4
    /// The category; NaN belongs to no set.
    case categoryNaNLeft = 5
    /// The category; NaN belongs to every set.
    case categoryNaNRight = 6

    package var isCategorical: Bool { self == .categoryNaNLeft || self == .categoryNaNRight }

    init(_ missing: MissingRule, isCategorical: Bool) {
        switch missing {
        case .nanLeft: self = isCategorical ? .categoryNaNLeft : .nanLeft
        case .nanRight: self = isCategorical ? .categoryNaNRight : .nanRight
        case .nanIsZero: self = .nanIsZero
        case .zeroLeft: self = .zeroLeft
        case .zeroRight: self = .zeroRight
        }
    }
}
