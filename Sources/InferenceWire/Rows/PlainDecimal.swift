/// The numbers that rows nearly always hold: a sign, digits and a point. Found together with the end of their field in one pass.
///
/// It is a short cut and decides nothing: whatever it does not take, or cannot round by one operation, is read in full.
struct PlainDecimal {
    private(set) var digits: UInt64 = 0
    private(set) var decimalCount = 0
    private(set) var isNegative = false
    /// Where the comma or the line's end stands.
    private(set) var end: Int

    /// Nil when the field that begins at `start` is of any other form.
    @inline(__always)
    init?(_ text: UnsafeBufferPointer<UInt8>, from start: Int) {
        var cursor = start
        if cursor < text.count, unsafe text[cursor] == UInt8(ascii: "-") {
            isNegative = true
            cursor += 1
        }
        let first = cursor
        while cursor < text.count, let digit = unsafe Self.digit(text[cursor]) {
            digits = digits &* 10 &+ digit
            cursor += 1
        }
        var digitCount = cursor - first
        if cursor < text.count, unsafe text[cursor] == UInt8(ascii: ".") {
            cursor += 1
            let firstDecimal = cursor
            while cursor < text.count, let digit = unsafe Self.digit(text[cursor]) {
                digits = digits &* 10 &+ digit
                cursor += 1
            }
            decimalCount = cursor - firstDecimal
            digitCount += decimalCount
        }
        // With more digits than these the number may have wrapped.
        guard digitCount > 0, digitCount < 19 else { return nil }
        if cursor < text.count {
            let byte = unsafe text[cursor]
            guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") else { return nil }
        }
        end = cursor
    }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        let value = byte &- UInt8(ascii: "0")
        return value < 10 ? UInt64(value) : nil
    }
}
