/// Where a file of a database is not what its format asks for.
package struct FileFault: Hashable, Sendable {
    package let offset: Int
    /// What stands there, as the rest of a sentence.
    package let reason: String

    package init(at offset: Int, _ reason: String) {
        self.offset = offset
        self.reason = reason
    }
}

/// Little-endian numbers and varints of RocksDB's files, out of bytes that may be anything.
struct FileNumbers {
    let bytes: [UInt8]
    var position: Int

    init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func fixed(_ width: Int) -> UInt64? {
        guard bytes.count - position >= width else { return nil }
        defer { position += width }
        return bytes[position..<position + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let next = byte() else { return nil }
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Bytes behind their length.
    mutating func text() -> Range<Int>? {
        guard let length = varint(), length <= UInt64(bytes.count - position) else { return nil }
        defer { position += Int(length) }
        return position..<position + Int(length)
    }
}

extension RawSpan {
    /// A copy of some of the bytes.
    func copied(_ range: Range<Int>) -> [UInt8] {
        unsafe extracting(range).withUnsafeBytes { unsafe Array($0) }
    }
}
