import JSONReader

/// Reads Universal Binary JSON (draft 12, ubjson.org) value by value, with counted and typed arrays.
///
/// Numbers are big-endian. Depth is bounded and skipping does not recurse. A count is checked against the bytes that are
/// left before anything is allocated.
struct UBJSONReader: DocumentReader {
    private enum Frame {
        case object(remaining: Int?)
        case array(remaining: Int?, type: UInt8?)
    }

    private static let maxDepth = 64
    private var cursor: ByteCursor
    private let limits: ModelLimits
    private var frames: [Frame] = []

    init(_ cursor: ByteCursor, limits: ModelLimits) {
        self.cursor = cursor
        self.limits = limits
    }

    var documentOffset: Int { cursor.offset }

    mutating func takeKind() throws(ModelFormatError) -> JSONKind {
        switch try peekMarker() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "S"), UInt8(ascii: "C"): return .string
        case UInt8(ascii: "T"), UInt8(ascii: "F"): return .boolean
        case UInt8(ascii: "Z"): return .null
        case let marker where Self.width(marker) != nil: return .number
        default: throw malformed("a UBJSON marker")
        }
    }

    // MARK: Containers

    mutating func enterObject() throws(ModelFormatError) {
        guard try takeMarker() == UInt8(ascii: "{") else { throw malformed("an object") }
        // A typed object would need '$'; no writer of models makes one.
        try push(.object(remaining: try takeCountMark()))
    }

    mutating func takeKey() throws(ModelFormatError) -> String? {
        guard case .object(let remaining)? = frames.last else { throw malformed("a key outside an object") }
        if let remaining {
            guard remaining > 0 else {
                frames.removeLast()
                return nil
            }
            frames[frames.count - 1] = .object(remaining: remaining - 1)
        } else if try cursor.peek() == UInt8(ascii: "}") {
            _ = try cursor.byte()
            frames.removeLast()
            return nil
        }
        return try takeText()
    }

    mutating func enterArray() throws(ModelFormatError) {
        guard try takeMarker() == UInt8(ascii: "[") else { throw malformed("an array") }
        var type: UInt8?
        if try cursor.peek() == UInt8(ascii: "$") {
            _ = try cursor.byte()
            let marker = try cursor.byte()
            // Elements of fixed width only: a count is then bounded by the bytes that are left.
            guard let width = Self.width(marker) else { throw malformed("an array of this type") }
            type = marker
            guard let count = try takeCountMark() else { throw malformed("a count") }
            guard count <= cursor.remainingCount / width else { throw ModelFormatError(.truncated, at: cursor.offset) }
            try push(.array(remaining: count, type: type))
            return
        }
        let count = try takeCountMark()
        // Every element takes a byte at least.
        if let count, count > cursor.remainingCount { throw ModelFormatError(.truncated, at: cursor.offset) }
        try push(.array(remaining: count, type: nil))
    }

    mutating func takeElement() throws(ModelFormatError) -> Bool {
        guard case .array(let remaining, let type)? = frames.last else {
            throw malformed("an element outside an array")
        }
        if let remaining {
            guard remaining > 0 else {
                frames.removeLast()
                return false
            }
            frames[frames.count - 1] = .array(remaining: remaining - 1, type: type)
            return true
        }
        guard try cursor.peek() == UInt8(ascii: "]") else { return true }
        _ = try cursor.byte()
        frames.removeLast()
        return false
    }

    // MARK: Values

    mutating func takeString() throws(ModelFormatError) -> String {
        let marker = try takeMarker()
        if marker == UInt8(ascii: "C") { return try cursor.text(1, limits: limits) }
        guard marker == UInt8(ascii: "S") else { throw malformed("a string") }
        return try takeText()
    }

    mutating func takeInt() throws(ModelFormatError) -> Int { try integer(try takeMarker()) }
    mutating func takeFloat() throws(ModelFormatError) -> Float { try float(try takeMarker()) }

    mutating func takeFlag() throws(ModelFormatError) -> Bool {
        switch try takeMarker() {
        case UInt8(ascii: "T"): true
        case UInt8(ascii: "F"): false
        case let marker: try integer(marker) == 1
        }
    }

    mutating func takeFloats() throws(ModelFormatError) -> [Float] {
        var values: [Float] = []
        try enterArray()
        if case .array(let count?, let type?) = frames.last {
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try float(type)) }
            frames.removeLast()
            return values
        }
        while try takeElement() { values.append(try takeFloat()) }
        return values
    }

    mutating func takeInts() throws(ModelFormatError) -> [Int] {
        var values: [Int] = []
        try enterArray()
        if case .array(let count?, let type?) = frames.last {
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try integer(type)) }
            frames.removeLast()
            return values
        }
        while try takeElement() { values.append(try takeInt()) }
        return values
    }

    mutating func skip() throws(ModelFormatError) {
        let base = frames.count
        var isValueNext = true
        while true {
            if isValueNext {
                switch try takeKind() {
                case .object: try enterObject()
                case .array:
                    try enterArray()
                    if case .array(let count?, let type?) = frames.last {
                        try cursor.skip(count * (Self.width(type) ?? 1))
                        frames.removeLast()
                    }
                case .string: _ = try takeString()
                case .number: try cursor.skip(Self.width(try takeMarker()) ?? 0)
                case .boolean, .null: _ = try takeMarker()
                }
            }
            guard frames.count > base, let frame = frames.last else { return }
            if case .object = frame { isValueNext = try takeKey() != nil } else { isValueNext = try takeElement() }
        }
    }

    /// Checks that nothing follows the document.
    func takeEnd() throws(ModelFormatError) {
        guard frames.isEmpty, cursor.remainingCount == 0 else { throw malformed("the end of the document") }
    }

    // MARK: Steps

    private mutating func push(_ frame: Frame) throws(ModelFormatError) {
        guard frames.count < Self.maxDepth else { throw ModelFormatError(.tooLarge("nesting"), at: cursor.offset) }
        frames.append(frame)
    }

    /// The type of the next value: written before it, or once for the whole array.
    private func peekMarker() throws(ModelFormatError) -> UInt8 {
        if case .array(_, let type?)? = frames.last { return type }
        return try cursor.peek()
    }

    private mutating func takeMarker() throws(ModelFormatError) -> UInt8 {
        if case .array(_, let type?)? = frames.last { return type }
        return try cursor.byte()
    }

    private mutating func takeCountMark() throws(ModelFormatError) -> Int? {
        guard try cursor.peek() == UInt8(ascii: "#") else { return nil }
        _ = try cursor.byte()
        return try takeCount()
    }

    private mutating func takeCount() throws(ModelFormatError) -> Int {
        let count = try integer(try cursor.byte())
        guard count >= 0 else { throw malformed("a count") }
        return count
    }

    private mutating func takeText() throws(ModelFormatError) -> String {
        try cursor.text(try takeCount(), limits: limits)
    }

    private mutating func integer(_ marker: UInt8) throws(ModelFormatError) -> Int {
        switch marker {
        case UInt8(ascii: "i"): Int(try cursor.bigEndian(Int8.self))
        case UInt8(ascii: "U"): Int(try cursor.bigEndian(UInt8.self))
        case UInt8(ascii: "I"): Int(try cursor.bigEndian(Int16.self))
        case UInt8(ascii: "l"): Int(try cursor.bigEndian(Int32.self))
        case UInt8(ascii: "L"): Int(try cursor.bigEndian(Int64.self))
        default: throw malformed("an integer")
        }
    }

    private mutating func float(_ marker: UInt8) throws(ModelFormatError) -> Float {
        switch marker {
        case UInt8(ascii: "d"): Float(bitPattern: try cursor.bigEndian(UInt32.self))
        case UInt8(ascii: "D"): Float(Double(bitPattern: try cursor.bigEndian(UInt64.self)))
        default: Float(try integer(marker))
        }
    }

    /// How many bytes a number of this type has; nil for what is no number.
    private static func width(_ marker: UInt8) -> Int? {
        switch marker {
        case UInt8(ascii: "i"), UInt8(ascii: "U"): 1
        case UInt8(ascii: "I"): 2
        case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
        case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
        default: nil
        }
    }

    private func malformed(_ what: String) -> ModelFormatError { ModelFormatError(.malformed(what), at: cursor.offset) }
}
