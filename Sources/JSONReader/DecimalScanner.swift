/// Finds the end of a decimal number and takes its digits on the way.
enum DecimalScanner {
    enum Failure {
        case malformed(at: Int)
        case truncated
    }
    enum Outcome {
        case number(DecimalNumber, end: Int)
        case failure(Failure)
    }

    /// Reads a number by JSON's grammar (RFC 8259, section 6), or, when `isLenient`, also `+1`, `.5`, `1.` and `007`.
    ///
    /// - Parameters:
    ///   - bytes: The whole text; `start < bytes.count`.
    ///   - start: Where the number begins.
    @inline(__always)
    static func scan(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLenient: Bool) -> Outcome {
        var number = DecimalNumber()
        var cursor = start
        let end = bytes.count
        if unsafe bytes[cursor] == UInt8(ascii: "-") {
            number.isNegative = true
            cursor += 1
        } else if isLenient, unsafe bytes[cursor] == UInt8(ascii: "+") {
            cursor += 1
        }
        let firstDigit = cursor
        // Leading zeros carry no significant digit.
        while cursor < end, unsafe bytes[cursor] == UInt8(ascii: "0") { cursor += 1 }
        let hasLeadingZero = cursor > firstDigit
        var significant = 0
        while cursor < end, let digit = unsafe digitValue(bytes[cursor]) {
            number.take(digit, isFraction: false, &significant)
            cursor += 1
        }
        var digitCount = cursor - firstDigit
        if !isLenient {
            if digitCount == 0 { return .failure(cursor < end ? .malformed(at: cursor) : .truncated) }
            if hasLeadingZero, digitCount > 1 { return .failure(.malformed(at: firstDigit)) }
        }
        if cursor < end, unsafe bytes[cursor] == UInt8(ascii: ".") {
            number.isInteger = false
            cursor += 1
            let firstFraction = cursor
            while cursor < end, let digit = unsafe digitValue(bytes[cursor]) {
                number.take(digit, isFraction: true, &significant)
                cursor += 1
            }
            let fractionCount = cursor - firstFraction
            if !isLenient, fractionCount == 0 { return .failure(cursor < end ? .malformed(at: cursor) : .truncated) }
            digitCount += fractionCount
        }
        if digitCount == 0 { return .failure(cursor < end ? .malformed(at: cursor) : .truncated) }
        if cursor < end, unsafe bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            number.isInteger = false
            cursor += 1
            var isNegative = false
            if cursor < end, unsafe bytes[cursor] == UInt8(ascii: "-") || bytes[cursor] == UInt8(ascii: "+") {
                isNegative = unsafe bytes[cursor] == UInt8(ascii: "-")
                cursor += 1
            }
            let firstExponent = cursor
            var exponent = 0
            while cursor < end, let digit = unsafe digitValue(bytes[cursor]) {
                // Anything this large is zero or infinite; glibc settles which.
                if exponent < 100_000 { exponent = exponent * 10 + Int(digit) }
                cursor += 1
            }
            if cursor == firstExponent { return .failure(cursor < end ? .malformed(at: cursor) : .truncated) }
            number.exponent += isNegative ? -exponent : exponent
        }
        return .number(number, end: cursor)
    }

    @inline(__always)
    private static func digitValue(_ byte: UInt8) -> UInt8? {
        let value = byte &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }
}

extension DecimalNumber {
    /// Takes one more digit; beyond nineteen they only move the power of ten.
    @inline(__always)
    fileprivate mutating func take(_ digit: UInt8, isFraction: Bool, _ significant: inout Int) {
        if significant < 19 {
            digits = digits &* 10 &+ UInt64(digit)
            if digits != 0 { significant += 1 }
            if isFraction { exponent -= 1 }
        } else {
            if digit != 0 { isTruncated = true }
            if !isFraction { exponent += 1 }
        }
    }
}
