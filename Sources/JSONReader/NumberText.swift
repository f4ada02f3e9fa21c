/// Numbers that stand alone, as in a field of CSV: the same correct rounding as in JSON, a more lenient spelling.
///
/// Accepted: what JSON accepts, a leading `+`, leading zeros, `.5`, `5.`, and in any case of letters `nan`, `inf` and
/// `infinity` with a sign. Not accepted: surrounding spaces, hexadecimal, an empty text.
package enum NumberText {
    /// The longest number, in characters.
    package static let maxBytes = 1024

    /// The nearest Float, ties to even; infinite beyond the range. Nil when `text` is not a number.
    package static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        guard let number = unsafe scan(text) else { return unsafe nonFinite(text).map { Float($0) } }
        if let value = number.exactFloat { return value }
        return unsafe LibraryNumber.float(text)
    }

    /// The nearest Double, ties to even; infinite beyond the range. Nil when `text` is not a number.
    package static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        guard let number = unsafe scan(text) else { return unsafe nonFinite(text) }
        if let value = number.exactDouble { return value }
        return unsafe LibraryNumber.double(text)
    }

    /// The Float nearest to digits / 10^decimalCount, ties to even; nil where one operation cannot tell.
    ///
    /// - Parameter decimalCount: not negative.
    package static func float(digits: UInt64, decimalCount: Int, isNegative: Bool) -> Float? {
        DecimalNumber(digits: digits, exponent: -decimalCount, isNegative: isNegative).exactFloat
    }

    /// The Double nearest to digits / 10^decimalCount, ties to even; nil where one operation cannot tell.
    package static func double(digits: UInt64, decimalCount: Int, isNegative: Bool) -> Double? {
        DecimalNumber(digits: digits, exponent: -decimalCount, isNegative: isNegative).exactDouble
    }

    package static func float(_ text: Span<UInt8>) -> Float? {
        unsafe text.withUnsafeBufferPointer { unsafe float($0) }
    }

    package static func double(_ text: Span<UInt8>) -> Double? {
        unsafe text.withUnsafeBufferPointer { unsafe double($0) }
    }

    /// Whether a text would be a number if it had no more characters than ``maxBytes``.
    package static func isTooLong(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count > maxBytes else { return false }
        guard case .number(_, let end) = unsafe DecimalScanner.scan(text, from: 0, isLenient: true) else {
            return false
        }
        return end == text.count
    }

    private static func scan(_ text: UnsafeBufferPointer<UInt8>) -> DecimalNumber? {
        guard text.count > 0, text.count <= maxBytes else { return nil }
        guard case .number(let number, let end) = unsafe DecimalScanner.scan(text, from: 0, isLenient: true),
            end == text.count
        else { return nil }
        return number
    }

    private static func nonFinite(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        guard text.count >= 3, text.count <= 9 else { return nil }
        let isNegative = unsafe text[0] == UInt8(ascii: "-")
        let start = unsafe isNegative || text[0] == UInt8(ascii: "+") ? 1 : 0
        func spells(_ name: StaticString) -> Bool {
            guard text.count - start == name.utf8CodeUnitCount else { return false }
            for index in 0..<name.utf8CodeUnitCount
            where unsafe text[start + index] | 0x20 != name.utf8Start[index] { return false }
            return true
        }
        if spells("nan") { return .nan }
        if spells("inf") || spells("infinity") { return isNegative ? -.infinity : .infinity }
        return nil
    }
}
