/// The fields of a CSV text one after another, quoted ones included.
///
/// Source: RFC 4180, section 2; beyond it, a line may end in LF alone and blanks around a field are no part of it.
@safe struct CSVFields {
    // Invariant: lent by the caller for the whole life of the value.
    private let text: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    struct Field {
        /// Without blanks and without the outer quotation marks.
        let range: Range<Int>
        let isQuoted: Bool
        /// The text holds `""`, which stands for one quotation mark.
        let hasDoubledQuotes: Bool
        /// The line or the text ends behind it.
        let endsLine: Bool
    }

    struct MalformedQuotes: Error {}

    init(_ text: UnsafeBufferPointer<UInt8>) {
        unsafe self.text = text
        position = unsafe Self.start(of: text)
    }

    /// Behind the byte order mark that some writers of UTF-8 begin with.
    static func start(of text: UnsafeBufferPointer<UInt8>) -> Int {
        unsafe text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
    }

    /// Whether nothing but blanks and line ends is left.
    static func isBlank(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        for index in start..<text.count where unsafe !isBlank(text[index]) && text[index] != UInt8(ascii: "\n") {
            return false
        }
        return true
    }

    /// Whether nothing but empty lines is left.
    var isBlankToTheEnd: Bool { unsafe Self.isBlank(text, from: position) }

    var isAtEnd: Bool { unsafe position >= text.count }

    /// The next field; an empty one where the text ends with a comma.
    mutating func next() throws(MalformedQuotes) -> Field {
        while unsafe position < text.count, unsafe Self.isBlank(text[position]) { position += 1 }
        if unsafe position < text.count, unsafe text[position] == UInt8(ascii: "\"") { return try nextQuoted() }
        let start = position
        while unsafe position < text.count, unsafe !Self.isSeparator(text[position]) { position += 1 }
        var end = position
        while end > start, unsafe Self.isBlank(text[end - 1]) { end -= 1 }
        return Field(range: start..<end, isQuoted: false, hasDoubledQuotes: false, endsLine: takeSeparator())
    }

    private mutating func nextQuoted() throws(MalformedQuotes) -> Field {
        position += 1
        let start = position
        var hasDoubledQuotes = false
        while true {
            guard unsafe position < text.count else { throw MalformedQuotes() }
            if unsafe text[position] == UInt8(ascii: "\"") {
                guard unsafe position + 1 < text.count, unsafe text[position + 1] == UInt8(ascii: "\"") else { break }
                hasDoubledQuotes = true
                position += 1
            }
            position += 1
        }
        let end = position
        position += 1
        while unsafe position < text.count, unsafe Self.isBlank(text[position]) { position += 1 }
        guard unsafe position >= text.count || Self.isSeparator(text[position]) else { throw MalformedQuotes() }
        return Field(
            range: start..<end, isQuoted: true, hasDoubledQuotes: hasDoubledQuotes, endsLine: takeSeparator())
    }

    /// Steps over the comma or line end that stands here; true unless it was a comma.
    private mutating func takeSeparator() -> Bool {
        guard unsafe position < text.count else { return true }
        defer { position += 1 }
        return unsafe text[position] != UInt8(ascii: ",")
    }

    /// Lends a field's own bytes.
    func withBytes<Value>(of field: Field, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        let raw = unsafe UnsafeBufferPointer(rebasing: text[field.range])
        guard field.hasDoubledQuotes else { return unsafe body(raw) }
        var plain: [UInt8] = []
        var index = 0
        while index < raw.count {
            unsafe plain.append(raw[index])
            // The second of two quotation marks is passed over.
            index += unsafe raw[index] == UInt8(ascii: "\"") ? 2 : 1
        }
        return unsafe plain.withUnsafeBufferPointer { unsafe body($0) }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") }
}
