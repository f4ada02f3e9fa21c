/// Where a row goes at a split when its feature has no usable value.
package enum MissingRule: UInt8, Hashable, Sendable, CaseIterable {
    /// NaN goes left.
    case nanLeft = 0
    /// NaN goes right.
    case nanRight = 1
    /// NaN is compared as if it were zero.
    case nanIsZero = 2
    /// NaN and values of magnitude at most ``MissingRule/zeroMagnitude`` go left.
    case zeroLeft = 3
    /// NaN and values of magnitude at most ``MissingRule/zeroMagnitude`` go right.
    case zeroRight = 4

    /// What LightGBM takes for zero: `kZeroThreshold` in `include/LightGBM/meta.h`, a Float widened to Double there.
    package static let zeroMagnitude = Double(1e-35 as Float)
}
