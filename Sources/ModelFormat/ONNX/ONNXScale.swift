import ModelTypes

/// (x - offset)·factor in float32, in front of a split that can do without it.
///
/// Both roundings keep the order of numbers, so the whole function never falls where the factor is above zero: what it compares with
/// a threshold, x itself compares with the last (or first) number that the function takes to the same side. That number is found
/// by halving all of float32, and the split is the same to the bit.
struct ONNXScale {
    private let offset: Float
    private let factor: Float

    /// Nil where the order would not be kept.
    init?(offset: Float, factor: Float) {
        guard offset.isFinite, factor.isFinite, factor > 0 else { return nil }
        (self.offset, self.factor) = (offset, factor)
    }

    /// What x is compared with instead.
    func threshold(for threshold: Float, _ comparison: Forest.Comparison) -> Float {
        // The greatest x whose result is ≤ the threshold, or the least whose result is not below it.
        func isLow(_ x: Float) -> Bool {
            let scaled = (x - offset) * factor
            return comparison == .lessOrEqual ? scaled <= threshold : scaled < threshold
        }
        // Invariant: low is low, high is not.
        var (low, high) = (Self.position(-.infinity), Self.position(.infinity))
        if isLow(.infinity) { return .infinity }
        if !isLow(-.infinity) { return -.infinity }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if isLow(Self.number(middle)) { low = middle } else { high = middle }
        }
        return Self.number(comparison == .lessOrEqual ? low : high)
    }

    /// Where a number stands among all of float32, zero being 0 and -0 below it.
    private static func position(_ value: Float) -> Int {
        let bits = Int(value.bitPattern & 0x7FFF_FFFF)
        return value.sign == .minus ? ~bits : bits
    }

    private static func number(_ position: Int) -> Float {
        position < 0 ? -Float(bitPattern: UInt32(~position)) : Float(bitPattern: UInt32(position))
    }
}
