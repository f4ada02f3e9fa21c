/// The text of some bytes, or nil when they are not UTF-8. Most texts of records are ASCII, of which that is quickly seen.
func validated(_ bytes: ArraySlice<UInt8>) -> String? {
    bytes.allSatisfy { $0 < 0x80 } ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
}

/// Reads what ``ByteWriter`` wrote, from bytes that may be anything: every length is checked before it is used.
struct ByteReader {
    private let bytes: [UInt8]
    private var position: Int

    /// - Throws: ``RecordError/unknownVersion(_:)`` when the first byte is another than `version`.
    init(_ bytes: [UInt8], version: UInt8) throws(RecordError) {
        guard let first = bytes.first else { throw .truncated }
        guard first == version else { throw .unknownVersion(first) }
        self.bytes = bytes
        self.position = 1
    }

    private var remaining: Int { bytes.count - position }

    mutating func byte() throws(RecordError) -> UInt8 {
        guard remaining > 0 else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number() throws(RecordError) -> UInt64 {
        guard let value = StoreKey.number(at: position, in: bytes) else { throw .truncated }
        position += 8
        return value
    }

    mutating func signedNumber() throws(RecordError) -> Int64 { Int64(bitPattern: try number()) }

    /// - Throws: also when the varint is longer than it needs to be or does not fit 64 bits.
    mutating func varint() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let next = try byte()
            let bits = UInt64(next & 0x7F)
            guard shift < 63 || bits <= 1 else { throw .invalid(field: "varint") }
            value |= bits << shift
            if next & 0x80 == 0 {
                guard next != 0 || shift == 0 else { throw .invalid(field: "varint") }
                return value
            }
        }
        throw .invalid(field: "varint")
    }

    /// A count of things that take at least a byte each.
    mutating func count() throws(RecordError) -> Int {
        let value = try varint()
        guard value <= UInt64(remaining) else { throw .truncated }
        return Int(value)
    }

    mutating func raw(_ count: Int) throws(RecordError) -> [UInt8] {
        guard count <= remaining else { throw .truncated }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func text() throws(RecordError) -> String {
        let length = try count()
        let end = position + length
        guard let text = validated(bytes[position..<end]) else { throw .invalid(field: "text") }
        position = end
        return text
    }

    /// Checks that the record ends here.
    func finish() throws(RecordError) {
        guard remaining == 0 else { throw .trailingBytes }
    }
}
