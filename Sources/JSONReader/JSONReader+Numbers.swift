// Numbers, one at a time and by the array.

extension JSONReader {
    /// The nearest Double, ties to even.
    package mutating func readDouble() throws(JSONError) -> Double {
        let start = try numberStart()
        if rules.allowsNonFinite, let value = try nonFinite() { return value }
        let number = try scanDecimal()
        if let value = number.exactDouble { return value }
        let value = unsafe LibraryNumber.double(UnsafeBufferPointer(rebasing: bytes[start..<cursor]))
        guard value.isFinite || rules.allowsNonFinite else { throw JSONError(.numberTooLarge, at: start) }
        return value
    }

    /// The nearest Float, ties to even: rounded once, from the text.
    package mutating func readFloat() throws(JSONError) -> Float {
        let start = try numberStart()
        if rules.allowsNonFinite, let value = try nonFinite() { return Float(value) }
        let number = try scanDecimal()
        if let value = number.exactFloat, value.isFinite { return value }
        let value = unsafe LibraryNumber.float(UnsafeBufferPointer(rebasing: bytes[start..<cursor]))
        guard value.isFinite || rules.allowsNonFinite else { throw JSONError(.numberTooLarge, at: start) }
        return value
    }

    /// An integer; `1.0` and `1e3` are refused.
    package mutating func readInt() throws(JSONError) -> Int {
        let start = try numberStart()
        if rules.allowsNonFinite, try nonFinite() != nil { throw JSONError(.notAnInteger, at: start) }
        let number = try scanDecimal()
        guard number.isInteger, !number.isTruncated, number.exponent == 0,
            number.digits <= UInt64(Int.max)
        else { throw JSONError(.notAnInteger, at: start) }
        return number.isNegative ? -Int(number.digits) : Int(number.digits)
    }

    /// A whole number of up to 64 bits beside its sign, to the last digit, however it is written: `1.0` and `1e3` are taken.
    ///
    /// - Throws: ``JSONError/Reason/notAnInteger`` for any other number.
    package mutating func readWhole() throws(JSONError) -> (magnitude: UInt64, isNegative: Bool) {
        let start = try numberStart()
        if rules.allowsNonFinite, try nonFinite() != nil { throw JSONError(.notAnInteger, at: start) }
        let number = try scanDecimal()
        if number.isInteger, !number.isTruncated, number.exponent == 0 { return (number.digits, number.isNegative) }
        let text = unsafe UnsafeBufferPointer(rebasing: bytes[start..<cursor])
        guard let magnitude = unsafe WholeNumber.magnitude(text) else { throw JSONError(.notAnInteger, at: start) }
        return (magnitude, number.isNegative)
    }

    /// Takes a `NaN` if it is the next value, and the rules have it.
    package mutating func readNaN() throws(JSONError) -> Bool {
        guard rules.allowsNonFinite, try nextByte() == UInt8(ascii: "N") else { return false }
        try take("NaN")
        return true
    }

    // MARK: Arrays

    /// Appends the numbers of an array. A null, where `nullIsMissing`, is NaN.
    ///
    /// - Returns: How many were appended.
    @discardableResult
    package mutating func readFloats(
        into values: inout [Float], maxCount: Int = .max, nullIsMissing: Bool = false
    ) throws(JSONError) -> Int {
        try beginArray()
        var count = 0
        while try nextElement() {
            guard count < maxCount else { throw JSONError(.tooManyElements, at: cursor) }
            if nullIsMissing, try readNull() { values.append(.nan) } else { values.append(try readFloat()) }
            count += 1
        }
        return count
    }

    /// Appends the numbers of an array. A null, where `nullIsMissing`, is NaN.
    @discardableResult
    package mutating func readDoubles(
        into values: inout [Double], maxCount: Int = .max, nullIsMissing: Bool = false
    ) throws(JSONError) -> Int {
        try beginArray()
        var count = 0
        while try nextElement() {
            guard count < maxCount else { throw JSONError(.tooManyElements, at: cursor) }
            if nullIsMissing, try readNull() { values.append(.nan) } else { values.append(try readDouble()) }
            count += 1
        }
        return count
    }

    /// Appends the integers of an array.
    @discardableResult
    package mutating func readInts(into values: inout [Int], maxCount: Int = .max) throws(JSONError) -> Int {
        try beginArray()
        var count = 0
        while try nextElement() {
            guard count < maxCount else { throw JSONError(.tooManyElements, at: cursor) }
            values.append(try readInt())
            count += 1
        }
        return count
    }

    // MARK: Steps

    private mutating func numberStart() throws(JSONError) -> Int {
        guard try peekKind() == .number else { throw JSONError(.wrongKind, at: cursor) }
        return cursor
    }

    /// Takes a number at the cursor, in whatever form; it is checked and not yet rounded.
    mutating func scanNumber() throws(JSONError) -> DecimalNumber {
        if rules.allowsNonFinite, try nonFinite() != nil { return DecimalNumber() }
        return try scanDecimal()
    }

    /// The same of a number that has digits.
    @inline(__always)
    private mutating func scanDecimal() throws(JSONError) -> DecimalNumber {
        switch unsafe DecimalScanner.scan(bytes, from: cursor, isLenient: false) {
        case .number(let number, let end):
            guard end - cursor <= Self.maxNumberBytes else { throw JSONError(.numberTooLong, at: cursor) }
            cursor = end
            endValue()
            return number
        case .failure(.malformed(let offset)): throw JSONError(.malformedNumber, at: offset)
        case .failure(.truncated): throw JSONError(.unexpectedEnd, at: byteCount)
        }
    }

    /// The words for what is no finite number. Nearly every number begins with a digit and is none of them.
    @inline(__always)
    private mutating func nonFinite() throws(JSONError) -> Double? {
        let byte = unsafe bytes[cursor]
        return byte > UInt8(ascii: "9") || byte == UInt8(ascii: "-") ? try readNonFinite() : nil
    }

    private mutating func readNonFinite() throws(JSONError) -> Double? {
        let isNegative = unsafe bytes[cursor] == UInt8(ascii: "-")
        let letter = cursor + (isNegative ? 1 : 0)
        guard letter < byteCount else { return nil }
        switch unsafe bytes[letter] {
        case UInt8(ascii: "N") where !isNegative:
            try take("NaN")
            return .nan
        case UInt8(ascii: "I"):
            cursor = letter
            try take("Infinity")
            return isNegative ? -.infinity : .infinity
        default: return nil
        }
    }
}
