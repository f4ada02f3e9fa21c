/// Reads little-endian and big-endian values from bytes that are lent for the time of a parse; every read is checked.
@safe struct ByteCursor {
    // Invariant: lent by ModelParser.parse for as long as any cursor over them lives.
    private let bytes: UnsafeRawBufferPointer
    let count: Int
    /// What is added to offsets in errors: where these bytes lie in the artifact.
    let origin: Int
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer, origin: Int = 0) {
        unsafe self.bytes = bytes
        self.count = bytes.count
        self.origin = origin
    }

    var remainingCount: Int { count - position }
    /// Where the next byte lies in the artifact.
    var offset: Int { origin + position }

    subscript(index: Int) -> UInt8 { unsafe bytes[index] }

    func starts(with text: StaticString) -> Bool {
        guard remainingCount >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount
        where unsafe bytes[position + index] != text.utf8Start[index] { return false }
        return true
    }

    mutating func skip(_ count: Int) throws(ModelFormatError) {
        guard count >= 0, count <= remainingCount else { throw ModelFormatError(.truncated, at: origin + self.count) }
        position += count
    }

    mutating func byte() throws(ModelFormatError) -> UInt8 {
        try skip(1)
        return unsafe bytes[position - 1]
    }

    func peek() throws(ModelFormatError) -> UInt8 {
        guard position < count else { throw ModelFormatError(.truncated, at: offset) }
        return unsafe bytes[position]
    }

    mutating func littleEndian<Value: FixedWidthInteger>(_: Value.Type) throws(ModelFormatError) -> Value {
        let start = position
        try skip(MemoryLayout<Value>.size)
        return unsafe Value(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Value.self))
    }

    mutating func bigEndian<Value: FixedWidthInteger>(_: Value.Type) throws(ModelFormatError) -> Value {
        let start = position
        try skip(MemoryLayout<Value>.size)
        return unsafe Value(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Value.self))
    }

    mutating func float32() throws(ModelFormatError) -> Float { Float(bitPattern: try littleEndian(UInt32.self)) }

    /// The next `count` bytes as a cursor of their own.
    mutating func slice(_ count: Int) throws(ModelFormatError) -> ByteCursor {
        let start = position
        try skip(count)
        return unsafe ByteCursor(
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), origin: origin + start)
    }

    /// The next `count` bytes as text.
    mutating func text(_ count: Int, limits: ModelLimits) throws(ModelFormatError) -> String {
        guard count <= limits.maxStringBytes else { throw ModelFormatError(.tooLarge("a string"), at: offset) }
        let start = position
        try skip(count)
        guard let text = unsafe String(validating: bytes[start..<start + count], as: UTF8.self) else {
            throw ModelFormatError(.malformed("text that is not UTF-8"), at: origin + start)
        }
        return text
    }

    /// Lends what is left.
    func withRemainingBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[position...]))
    }
}
