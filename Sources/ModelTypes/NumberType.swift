/// The two floating-point types that models compare and add in.
package enum NumberType: UInt8, Hashable, Sendable {
    case float32 = 1
    case float64 = 2

    /// How many bytes a value has.
    package var byteCount: Int { self == .float32 ? 4 : 8 }

    /// Whether the type holds `value` without rounding. NaN is held by both.
    package func holds(_ value: Double) -> Bool {
        self == .float64 || value.isNaN || Double(Float(value)) == value
    }
}
