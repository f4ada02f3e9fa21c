/// Pulls the fields of a protocol-buffers message out of bytes that nobody vouches for; copies nothing that is not asked for.
///
/// A message is walked field by field; what the caller does not know it skips. Repeated scalars come one by one or packed, and
/// both forms are read by the same call, as the specification asks of parsers. A nested message is a reader of its own over the
/// same bytes, so that depth costs the caller's own recursion and nothing else.
///
/// Source: "Encoding", Protocol Buffers documentation (wire types 0, 1, 2 and 5; groups are refused).
@safe package struct ProtobufReader {
    // Invariant: lent by the caller of init for as long as this reader, and any that it hands out, lives.
    private let bytes: UnsafeRawBufferPointer
    private let count: Int
    /// Where these bytes lie in the outermost message.
    private let origin: Int
    private var position = 0

    /// The number of the field that ``next()`` came to.
    package private(set) var field = 0
    private var wireType = WireType.varint

    private enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    /// - Parameter bytes: the whole message; must not change or go while a reader over it lives.
    package init(_ bytes: UnsafeRawBufferPointer, origin: Int = 0) {
        unsafe self.bytes = bytes
        count = bytes.count
        self.origin = origin
    }

    /// Where the next byte lies in the outermost message.
    package var offset: Int { origin + position }

    /// Comes to the next field, whose value must then be read or skipped before this is called again.
    ///
    /// - Returns: false at the end of the message.
    package mutating func next() throws(ProtobufError) -> Bool {
        guard position < count else { return false }
        let start = offset
        let tag = try rawVarint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29, let wireType = WireType(rawValue: UInt8(tag & 7)) else {
            throw .tag(offset: start)
        }
        field = Int(tag >> 3)
        self.wireType = wireType
        return true
    }

    package mutating func skip() throws(ProtobufError) {
        switch wireType {
        case .varint: _ = try rawVarint()
        case .fixed64: _ = unsafe try take(8)
        case .fixed32: _ = unsafe try take(4)
        case .lengthDelimited: _ = unsafe try delimited()
        }
    }

    // MARK: Single values

    /// `uint64`, `uint32`, or an enum's number.
    package mutating func unsigned() throws(ProtobufError) -> UInt64 {
        try expect(.varint)
        return try rawVarint()
    }

    /// `int64` or `int32`: two's complement, not zigzag.
    package mutating func signed() throws(ProtobufError) -> Int64 { Int64(bitPattern: try unsigned()) }

    package mutating func bool() throws(ProtobufError) -> Bool { try unsigned() != 0 }

    package mutating func float() throws(ProtobufError) -> Float {
        try expect(.fixed32)
        return Float(bitPattern: try load(UInt32.self))
    }

    package mutating func double() throws(ProtobufError) -> Double {
        try expect(.fixed64)
        return Double(bitPattern: try load(UInt64.self))
    }

    package mutating func string() throws(ProtobufError) -> String {
        let bytes = unsafe try data()
        guard let text = unsafe String(validating: bytes, as: UTF8.self) else { throw .text(offset: offset) }
        return text
    }

    /// The bytes of a `bytes` field; part of what the reader was lent.
    package mutating func data() throws(ProtobufError) -> UnsafeRawBufferPointer {
        try expect(.lengthDelimited)
        return unsafe try delimited()
    }

    /// A nested message.
    package mutating func message() throws(ProtobufError) -> ProtobufReader {
        let inner = unsafe try data()
        return unsafe ProtobufReader(inner, origin: offset - inner.count)
    }

    // MARK: Repeated scalars, packed or one by one

    /// Calls back for each `int64`, `int32` or enum of the field: one, or all of a packed run.
    package mutating func eachSigned(_ body: (Int64) -> Void) throws(ProtobufError) {
        guard wireType == .lengthDelimited else { return body(try signed()) }
        var run = try message()
        while run.position < run.count { body(Int64(bitPattern: try run.rawVarint())) }
    }

    package mutating func eachFloat(_ body: (Float) -> Void) throws(ProtobufError) {
        guard wireType == .lengthDelimited else { return body(try float()) }
        var run = try message()
        while run.position < run.count { body(Float(bitPattern: try run.load(UInt32.self))) }
    }

    package mutating func eachDouble(_ body: (Double) -> Void) throws(ProtobufError) {
        guard wireType == .lengthDelimited else { return body(try double()) }
        var run = try message()
        while run.position < run.count { body(Double(bitPattern: try run.load(UInt64.self))) }
    }

    // MARK: Bytes

    private func expect(_ expected: WireType) throws(ProtobufError) {
        guard wireType == expected else { throw .wireType(field: field, offset: offset) }
    }

    private mutating func take(_ byteCount: Int) throws(ProtobufError) -> UnsafeRawBufferPointer {
        guard byteCount <= count - position else { throw .truncated(offset: origin + count) }
        defer { position += byteCount }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + byteCount])
    }

    private mutating func delimited() throws(ProtobufError) -> UnsafeRawBufferPointer {
        let length = try rawVarint()
        guard let byteCount = Int(exactly: length) else { throw .truncated(offset: origin + count) }
        return unsafe try take(byteCount)
    }

    private mutating func load<Value: FixedWidthInteger>(_: Value.Type) throws(ProtobufError) -> Value {
        unsafe Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
    }

    private mutating func rawVarint() throws(ProtobufError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < count else { throw .truncated(offset: origin + count) }
            let byte = unsafe bytes[position]
            position += 1
            // The tenth byte has room for one bit.
            guard shift < 63 || byte <= 1 else { throw .varint(offset: start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .varint(offset: start)
    }
}
