/// Where a text's search in a table of the image begins. Part of the format: `Docs/Formats/image.md`.
enum TextHash {
    /// A search ends, found or not, after so many slots: neither table nor text can make one long.
    static let maxProbes = 128

    /// FNV-1a with 64 bits (Fowler, Noll, Vo), both halves folded together.
    @inline(__always)
    static func hash(_ text: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<text.count { hash = unsafe (hash ^ UInt64(text[index])) &* 0x0000_0100_0000_01B3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
