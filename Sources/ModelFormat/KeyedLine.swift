import Glibc
import JSONReader

/// A line `key=value` of LightGBM's text, or numbers separated by spaces under any key.
struct KeyedLine {
    let key: String
    /// The bytes behind the first `=`.
    let value: ByteCursor
    /// Where the line begins in the artifact.
    let offset: Int

    /// The value's numbers, separated by spaces.
    func doubles() throws(ModelFormatError) -> [Double] {
        var numbers: [Double] = []
        try unsafe eachField { (field) throws(ModelFormatError) in
            guard let number = unsafe NumberText.double(field) else {
                throw ModelFormatError(.malformed("a number in \(key)"), at: offset)
            }
            numbers.append(number)
        }
        return numbers
    }

    /// The value's integers, separated by spaces.
    func integers() throws(ModelFormatError) -> [Int] {
        var numbers: [Int] = []
        try unsafe eachField { (field) throws(ModelFormatError) in
            guard let number = unsafe Self.integer(field) else {
                throw ModelFormatError(.malformed("an integer in \(key)"), at: offset)
            }
            numbers.append(number)
        }
        return numbers
    }

    func integer() throws(ModelFormatError) -> Int {
        let numbers = try integers()
        guard numbers.count == 1 else { throw ModelFormatError(.malformed("one integer in \(key)"), at: offset) }
        return numbers[0]
    }

    func text(limits: ModelLimits) throws(ModelFormatError) -> String {
        var value = value
        return try value.text(value.remainingCount, limits: limits)
    }

    /// The value's words.
    func words(limits: ModelLimits) throws(ModelFormatError) -> [String] {
        var words: [String] = []
        try unsafe eachField { (field) throws(ModelFormatError) in
            guard field.count <= limits.maxStringBytes, let word = unsafe String(validating: field, as: UTF8.self)
            else { throw ModelFormatError(.malformed("text in \(key)"), at: offset) }
            words.append(word)
        }
        return words
    }

    private func eachField(
        _ body: (UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> Void
    ) throws(ModelFormatError) {
        try unsafe value.withRemainingBytes { (raw) throws(ModelFormatError) in
            let bytes = unsafe raw.assumingMemoryBound(to: UInt8.self)
            let count = bytes.count
            var start = 0
            while start < count {
                if unsafe bytes[start] == UInt8(ascii: " ") {
                    start += 1
                    continue
                }
                var end = start + 1
                while end < count, unsafe bytes[end] != UInt8(ascii: " ") { end += 1 }
                try unsafe body(UnsafeBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
    }

    /// Up to eighteen digits, so that nothing overflows.
    private static func integer(_ field: UnsafeBufferPointer<UInt8>) -> Int? {
        let isNegative = unsafe field[0] == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        guard field.count > first, field.count <= 18 else { return nil }
        var value = 0
        for index in first..<field.count {
            let digit = unsafe field[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return isNegative ? -value : value
    }
}

extension ByteCursor {
    /// The next line, without its end; nil behind the last.
    mutating func line() throws(ModelFormatError) -> ByteCursor? {
        guard remainingCount > 0 else { return nil }
        let length = unsafe withRemainingBytes { bytes in
            unsafe memchr(bytes.baseAddress!, 0x0A, bytes.count)
                .map { unsafe UnsafeRawPointer($0) - bytes.baseAddress! } ?? bytes.count
        }
        var text = try slice(length)
        if remainingCount > 0 { try skip(1) }
        if text.count > 0, text[text.count - 1] == 0x0D { text = try text.slice(text.count - 1) }
        return text
    }

    /// The next line taken apart at its first `=`; nil for a line without one.
    mutating func keyedLine(limits: ModelLimits) throws(ModelFormatError) -> (line: KeyedLine?, text: ByteCursor)? {
        guard let text = try line() else { return nil }
        var end = 0
        // Keys are short: a long line without `=` is none.
        while end < min(text.count, 64), text[end] != UInt8(ascii: "=") { end += 1 }
        guard end < text.count, text[end] == UInt8(ascii: "=") else { return (nil, text) }
        var value = text
        let key = try value.text(end, limits: limits)
        try value.skip(1)
        return (KeyedLine(key: key, value: value, offset: text.origin), text)
    }
}
