// Strings: found and checked in one pass over their bytes; copied only when asked for.

extension JSONReader {
    /// Reads a string without copying it.
    package mutating func readText() throws(JSONError) -> JSONText {
        guard try nextByte() == UInt8(ascii: "\"") else { throw try wrongKind() }
        let start = cursor + 1
        var position = start
        var hasEscapes = false
        while true {
            guard position < byteCount else { throw JSONError(.unexpectedEnd, at: position) }
            let byte = unsafe bytes[position]
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position = try escape(at: position).end
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: position)
            } else if byte < 0x80 {
                position += 1
            } else {
                position = try endOfSequence(at: position)
            }
            guard position - start <= rules.maxStringBytes else { throw JSONError(.stringTooLong, at: start) }
        }
        cursor = position + 1
        endValue()
        return JSONText(range: start..<position, hasEscapes: hasEscapes)
    }

    package mutating func readString() throws(JSONError) -> String { string(try readText()) }

    /// The string that `text`, got from this reader, stands for.
    package borrowing func string(_ text: JSONText) -> String {
        guard text.hasEscapes else {
            return unsafe String(decoding: UnsafeBufferPointer(rebasing: bytes[text.range]), as: UTF8.self)
        }
        var result = String()
        var position = text.range.lowerBound
        while position < text.range.upperBound {
            if unsafe bytes[position] == UInt8(ascii: "\\") {
                // Checked by readText.
                guard let (scalar, end) = try? escape(at: position) else { preconditionFailure("a checked escape") }
                result.unicodeScalars.append(scalar)
                position = end
            } else {
                var end = position
                while end < text.range.upperBound, unsafe bytes[end] != UInt8(ascii: "\\") { end += 1 }
                result += unsafe String(decoding: UnsafeBufferPointer(rebasing: bytes[position..<end]), as: UTF8.self)
                position = end
            }
        }
        return result
    }

    /// Whether `text`, got from this reader, is `word`.
    package borrowing func text(_ text: JSONText, is word: StaticString) -> Bool {
        if text.hasEscapes { return string(text).utf8.elementsEqual(word.description.utf8) }
        guard text.range.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<text.range.count
        where unsafe bytes[text.range.lowerBound + index] != word.utf8Start[index] { return false }
        return true
    }

    /// Lends the bytes of a text without escapes, for instance to read a number that is written as a string.
    package borrowing func withBytes<Value>(of text: JSONText, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        unsafe body(UnsafeBufferPointer(rebasing: bytes[text.range]))
    }

    // MARK: Steps

    /// The scalar that an escape stands for, and where it ends.
    private borrowing func escape(at start: Int) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
        guard start + 1 < byteCount else { throw JSONError(.unexpectedEnd, at: byteCount) }
        let scalar: Unicode.Scalar
        switch unsafe bytes[start + 1] {
        case UInt8(ascii: "\""): scalar = "\""
        case UInt8(ascii: "\\"): scalar = "\\"
        case UInt8(ascii: "/"): scalar = "/"
        case UInt8(ascii: "b"): scalar = "\u{08}"
        case UInt8(ascii: "f"): scalar = "\u{0C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(at: start)
        default: throw JSONError(.malformedEscape, at: start)
        }
        return (scalar, start + 2)
    }

    private borrowing func unicodeEscape(at start: Int) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
        let first = try codeUnit(at: start)
        if let scalar = Unicode.Scalar(first) { return (scalar, start + 6) }
        // A high half needs a low half right behind it.
        guard first < 0xDC00, start + 7 < byteCount, unsafe bytes[start + 6] == UInt8(ascii: "\\"),
            unsafe bytes[start + 7] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        let second = try codeUnit(at: start + 6)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw JSONError(.loneSurrogate, at: start) }
        return (scalar, start + 12)
    }

    /// The four hexadecimal digits of the `\u` escape at `start`.
    private borrowing func codeUnit(at start: Int) throws(JSONError) -> UInt16 {
        guard start + 6 <= byteCount else { throw JSONError(.unexpectedEnd, at: byteCount) }
        var value: UInt16 = 0
        for index in start + 2..<start + 6 {
            let digit: UInt8
            switch unsafe bytes[index] {
            case let byte where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): digit = byte - UInt8(ascii: "0")
            case let byte where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte):
                digit = byte - UInt8(ascii: "a") + 10
            case let byte where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte):
                digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONError(.malformedEscape, at: index)
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    /// The end of a well-formed UTF-8 sequence of two to four bytes (Unicode Standard, table 3-7).
    private borrowing func endOfSequence(at start: Int) throws(JSONError) -> Int {
        let lead = unsafe bytes[start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw JSONError(.invalidUTF8, at: start)
        }
        guard start + length <= byteCount else { throw JSONError(.unexpectedEnd, at: byteCount) }
        guard unsafe second.contains(bytes[start + 1]) else { throw JSONError(.invalidUTF8, at: start + 1) }
        for index in start + 2..<max(start + 2, start + length) where unsafe bytes[index] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: index)
        }
        return start + length
    }
}
