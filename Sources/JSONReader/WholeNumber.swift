/// Whole numbers to the last digit, where nineteen digits or a plain spelling do not do.
enum WholeNumber {
    /// The magnitude of a decimal number by JSON's grammar; nil when it has a fraction or more than 64 bits.
    ///
    /// - Parameter text: not empty, and known to be such a number.
    static func magnitude(_ text: UnsafeBufferPointer<UInt8>) -> UInt64? {
        var mantissaEnd = 0
        var pointAt: Int?
        while mantissaEnd < text.count, unsafe text[mantissaEnd] | 0x20 != UInt8(ascii: "e") {
            if unsafe text[mantissaEnd] == UInt8(ascii: ".") { pointAt = mantissaEnd }
            mantissaEnd += 1
        }
        let exponent = unsafe exponent(text, from: mantissaEnd + 1)
        let isNegative = unsafe text[0] == UInt8(ascii: "-")
        /// How many places before the point the next digit stands, beginning with 1 for the ones.
        var place = (pointAt ?? mantissaEnd) - (isNegative ? 1 : 0) + exponent
        var magnitude: UInt64 = 0
        for index in (isNegative ? 1 : 0)..<mantissaEnd where index != pointAt {
            let digit = unsafe UInt64(text[index] &- UInt8(ascii: "0"))
            if place > 0 {
                guard let next = shifted(magnitude, adding: digit) else { return nil }
                magnitude = next
            } else if digit != 0 {
                return nil
            }
            place -= 1
        }
        while place > 0, magnitude > 0 {
            guard let next = shifted(magnitude, adding: 0) else { return nil }
            magnitude = next
            place -= 1
        }
        return magnitude
    }

    private static func shifted(_ magnitude: UInt64, adding digit: UInt64) -> UInt64? {
        let (product, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, isOver) = product.addingReportingOverflow(digit)
        return isTooLarge || isOver ? nil : sum
    }

    /// The exponent whose sign or digits begin at `start`, 0 where there is none; any so large is as good as another.
    private static func exponent(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var exponent = 0
        var isNegative = false
        for index in start..<max(start, text.count) {
            switch unsafe text[index] {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "+"): break
            case let byte: exponent = min(exponent * 10 + Int(byte &- UInt8(ascii: "0")), 100_000)
            }
        }
        return isNegative ? -exponent : exponent
    }
}
