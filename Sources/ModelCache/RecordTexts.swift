/// Texts in a small file of the cache: each a u16 byte count and UTF-8.
enum RecordTexts {
    static func append(_ texts: [String], to bytes: inout [UInt8]) {
        for text in texts {
            precondition(text.utf8.count <= Int(UInt16.max), "names, versions and keys are bounded far below")
            let count = UInt16(text.utf8.count)
            bytes += [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
            bytes += Array(text.utf8)
        }
    }

    /// Nil unless the bytes are exactly so many texts.
    static func read(_ bytes: ArraySlice<UInt8>, count: Int) -> [String]? {
        var rest = bytes
        var texts: [String] = []
        for _ in 0..<count {
            guard rest.count >= 2, let low = rest.popFirst(), let high = rest.popFirst() else { return nil }
            let count = Int(low) | Int(high) << 8
            guard rest.count >= count, let text = String(validating: rest.prefix(count), as: UTF8.self) else {
                return nil
            }
            texts.append(text)
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty ? texts : nil
    }
}
