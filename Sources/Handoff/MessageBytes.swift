import Digests

/// Appends the fields of a message: integers little-endian, texts as a 16-bit byte count and UTF-8.
struct MessageWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ number: some FixedWidthInteger & UnsignedInteger) {
        var rest = UInt64(number)
        for _ in 0..<(type(of: number).bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func write(raw: [UInt8]) { bytes += raw }

    /// Writes a text, cut at the last whole character within the limit.
    mutating func write(text: String, limitBytes: Int) {
        var cut = Array(text.utf8.prefix(limitBytes))
        while String(validating: cut, as: UTF8.self) == nil { cut.removeLast() }
        write(UInt16(cut.count))
        bytes += cut
    }
}

/// Reads the fields of a message; every read is checked against what is there.
struct MessageReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.rest = bytes[...] }

    mutating func read(_ count: Int) throws(HandoffError) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw .violation("a message cut short") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func readUInt8() throws(HandoffError) -> UInt8 { UInt8(try readInteger(1)) }
    mutating func readUInt16() throws(HandoffError) -> UInt16 { UInt16(try readInteger(2)) }
    mutating func readUInt32() throws(HandoffError) -> UInt32 { UInt32(try readInteger(4)) }
    mutating func readUInt64() throws(HandoffError) -> UInt64 { try readInteger(8) }

    mutating func readDigest() throws(HandoffError) -> ContentDigest {
        guard let digest = ContentDigest(bytes: Array(try read(ContentDigest.byteCount))) else {
            throw .violation("a message cut short")
        }
        return digest
    }

    mutating func readText(limitBytes: Int) throws(HandoffError) -> String {
        let count = Int(try readUInt16())
        guard count <= limitBytes else { throw .violation("a text of \(count) bytes") }
        guard let text = String(validating: try read(count), as: UTF8.self) else {
            throw .violation("a text that is no UTF-8")
        }
        return text
    }

    /// - Throws: ``HandoffError/violation(_:)`` when bytes are left.
    func finish() throws(HandoffError) {
        guard rest.isEmpty else { throw .violation("\(rest.count) bytes too many") }
    }

    private mutating func readInteger(_ byteCount: Int) throws(HandoffError) -> UInt64 {
        var number: UInt64 = 0
        for byte in try read(byteCount).reversed() { number = number << 8 | UInt64(byte) }
        return number
    }
}
