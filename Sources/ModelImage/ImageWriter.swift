import ModelTypes

/// Puts little-endian values behind each other, section by section.
struct ImageWriter {
    private(set) var bytes: [UInt8]

    init() { bytes = [UInt8](repeating: 0, count: ImageHeader.byteCount) }

    mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        for index in 0..<MemoryLayout<Value>.size {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
        }
    }

    mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        for index in 0..<MemoryLayout<Value>.size { bytes.append(UInt8(truncatingIfNeeded: value >> Value(8 * index))) }
    }

    /// The value as the type has it: exact, since descriptions hold only such values.
    mutating func append(_ value: Double, as type: NumberType) {
        switch type {
        case .float32: append(Float(value).bitPattern)
        case .float64: append(value.bitPattern)
        }
    }

    mutating func append(_ text: String) {
        append(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    mutating func append(bytes more: [UInt8]) { bytes += more }

    /// Writes a section at the next multiple of 64 bytes and notes it in the table.
    mutating func section(_ section: ImageSection, _ body: (inout ImageWriter) -> Void) {
        pad()
        let start = bytes.count
        body(&self)
        let entry = ImageHeader.sectionTableOffset + section.rawValue * 16
        put(UInt64(start), at: entry)
        put(UInt64(bytes.count - start), at: entry + 8)
    }

    /// Fills up to a cache line, so that no section shares one with another.
    mutating func pad() { bytes += repeatElement(0, count: (64 - bytes.count % 64) % 64) }
}
