/// Reads JSON (RFC 8259) from bytes in memory, value by value, in the order in which it is written.
///
/// The caller asks for what it expects and gets it or an error with the offset; nothing is built that is not asked for.
/// ```swift
/// try JSONReader.read(bytes) { (json) throws(JSONError) in
///     try json.beginObject()
///     while let key = try json.nextKey() {
///         if json.text(key, is: "rows") { try json.readFloats(into: &rows) } else { try json.skipValue() }
///     }
///     try json.finish()
/// }
/// ```
/// Every value must be read or skipped before the next key or element is asked for. Numbers are correctly rounded.
/// Strings are checked to be UTF-8 with whole surrogate pairs. Depth is bounded, and skipping does not recurse.
@safe package struct JSONReader: ~Copyable {
    /// The longest number, in characters.
    package static let maxNumberBytes = NumberText.maxBytes

    // Invariant: lent by `read` for the whole life of the reader.
    let bytes: UnsafeBufferPointer<UInt8>
    let byteCount: Int
    let rules: JSONRules
    /// Where the next byte is read.
    var cursor = 0
    /// How many containers are open.
    private var depth = 0
    /// Whether the innermost container was opened by the last step: its first element takes no comma.
    private var isFresh = false

    private init(_ bytes: UnsafeBufferPointer<UInt8>, rules: JSONRules) {
        unsafe self.bytes = bytes
        self.byteCount = bytes.count
        self.rules = rules
    }

    /// Lends a reader over `bytes` to `body`.
    package static func read<Value: ~Copyable, Failure: Error>(
        _ bytes: Span<UInt8>, rules: JSONRules = JSONRules(), _ body: (inout JSONReader) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try unsafe bytes.withUnsafeBufferPointer { (buffer) throws(Failure) -> Value in
            var reader = unsafe JSONReader(buffer, rules: rules)
            return try body(&reader)
        }
    }

    /// Lends a reader over `bytes`, which must stay as they are until `body` returns.
    package static func read<Value: ~Copyable, Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, rules: JSONRules = JSONRules(),
        _ body: (inout JSONReader) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var reader = unsafe JSONReader(bytes.assumingMemoryBound(to: UInt8.self), rules: rules)
        return try body(&reader)
    }

    /// How many bytes have been read: where an error found by the caller is best placed.
    package var offset: Int { cursor }

    /// The kind of the next value, judged by its first byte.
    package mutating func peekKind() throws(JSONError) -> JSONKind {
        switch try nextByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            if rules.allowsNonFinite { return .number }
            throw JSONError(.unexpectedByte, at: cursor)
        default: throw JSONError(.unexpectedByte, at: cursor)
        }
    }

    // MARK: Containers

    package mutating func beginObject() throws(JSONError) { try open(UInt8(ascii: "{"), .object) }
    package mutating func beginArray() throws(JSONError) { try open(UInt8(ascii: "["), .array) }

    /// The next key of the innermost object, or nil at its end, which is then left.
    package mutating func nextKey() throws(JSONError) -> JSONText? {
        guard try advance(closing: UInt8(ascii: "}")) else { return nil }
        let key = try readText()
        guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: cursor) }
        cursor += 1
        return key
    }

    /// Whether the innermost array has another element; at its end it is left.
    package mutating func nextElement() throws(JSONError) -> Bool { try advance(closing: UInt8(ascii: "]")) }

    /// Checks that nothing but white space is left.
    package mutating func finish() throws(JSONError) {
        skipSpace()
        guard cursor == byteCount, depth == 0 else { throw JSONError(.trailingBytes, at: cursor) }
    }

    // MARK: Words

    package mutating func readBool() throws(JSONError) -> Bool {
        switch try nextByte() {
        case UInt8(ascii: "t"):
            try take("true")
            return true
        case UInt8(ascii: "f"):
            try take("false")
            return false
        default: throw try wrongKind()
        }
    }

    /// Takes a null if it is the next value.
    package mutating func readNull() throws(JSONError) -> Bool {
        guard try nextByte() == UInt8(ascii: "n") else { return false }
        try take("null")
        return true
    }

    /// Reads over the next value, whatever it is, checking it like any other.
    package mutating func skipValue() throws(JSONError) {
        let base = depth
        var isObject = DepthBits()
        var isValueNext = true
        while true {
            if isValueNext {
                switch try peekKind() {
                case .object:
                    try beginObject()
                    isObject[depth - 1] = true
                case .array:
                    try beginArray()
                    isObject[depth - 1] = false
                case .string: _ = try readText()
                case .number: _ = try scanNumber()
                case .boolean: _ = try readBool()
                case .null: _ = try readNull()
                }
            }
            if depth == base { return }
            isValueNext = isObject[depth - 1] ? try nextKey() != nil : try nextElement()
        }
    }

    // MARK: Steps

    /// The next byte that is not white space, left in place.
    @inline(__always)
    mutating func nextByte() throws(JSONError) -> UInt8 {
        skipSpace()
        guard cursor < byteCount else { throw JSONError(.unexpectedEnd, at: cursor) }
        return unsafe bytes[cursor]
    }

    /// What to throw when the next value is a sound one of another kind, or none.
    mutating func wrongKind() throws(JSONError) -> JSONError {
        _ = try peekKind()
        return JSONError(.wrongKind, at: cursor)
    }

    /// Takes a word that stands at the cursor.
    mutating func take(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard cursor + index < byteCount else { throw JSONError(.unexpectedEnd, at: byteCount) }
            guard unsafe bytes[cursor + index] == word.utf8Start[index] else {
                throw JSONError(.unexpectedByte, at: cursor + index)
            }
        }
        cursor += word.utf8CodeUnitCount
        isFresh = false
    }

    /// Notes that a value ended at the cursor: what follows takes a comma.
    @inline(__always)
    mutating func endValue() { isFresh = false }

    @inline(__always)
    private mutating func skipSpace() {
        while cursor < byteCount {
            switch unsafe bytes[cursor] {
            case 0x20, 0x0A, 0x0D, 0x09: cursor += 1
            default: return
            }
        }
    }

    private mutating func open(_ byte: UInt8, _ kind: JSONKind) throws(JSONError) {
        guard try nextByte() == byte else { throw try wrongKind() }
        guard depth < rules.maxDepth else { throw JSONError(.tooDeep, at: cursor) }
        depth += 1
        cursor += 1
        isFresh = true
    }

    /// Steps to the next element or out of the container.
    @inline(__always)
    private mutating func advance(closing: UInt8) throws(JSONError) -> Bool {
        precondition(depth > 0, "no container is open")
        let byte = try nextByte()
        if byte == closing {
            cursor += 1
            depth -= 1
            isFresh = false
            return false
        }
        if isFresh {
            isFresh = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: cursor) }
        cursor += 1
        // `[1,]`: a value must follow the comma.
        if try nextByte() == closing { throw JSONError(.unexpectedByte, at: cursor) }
        return true
    }
}

/// One bit for each level of nesting.
private struct DepthBits {
    private var words = InlineArray<8, UInt64>(repeating: 0)

    subscript(depth: Int) -> Bool {
        get { words[depth >> 6] >> UInt64(depth & 63) & 1 == 1 }
        set {
            let bit = UInt64(1) << UInt64(depth & 63)
            words[depth >> 6] = newValue ? words[depth >> 6] | bit : words[depth >> 6] & ~bit
        }
    }
}
