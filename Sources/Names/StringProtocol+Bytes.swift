/// Comparing and cutting texts by their bytes.
///
/// The same methods of `String` see characters, that is grapheme clusters up to canonical equivalence: a slash with a
/// combining mark behind it is no slash to them, CR LF holds no LF, and U+037E is a semicolon. Whoever reads what a
/// stranger wrote asks these.
extension StringProtocol {
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8)
    }

    package func hasBytePrefix(_ prefix: some StringProtocol) -> Bool {
        utf8.starts(with: prefix.utf8)
    }

    package func hasByteSuffix(_ suffix: some StringProtocol) -> Bool {
        let excess = utf8.count - suffix.utf8.count
        return excess >= 0 && utf8.dropFirst(excess).elementsEqual(suffix.utf8)
    }

    package func containsBytes(of part: some StringProtocol) -> Bool {
        utf8.firstRange(of: part.utf8) != nil
    }

    /// The pieces between the bytes of one ASCII character, empty ones too.
    ///
    /// - Parameter cuts: How many times to cut at most.
    package func pieces(at separator: Unicode.Scalar, cuts: Int = .max) -> [SubSequence] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: cuts, omittingEmptySubsequences: false)
            .map { self[$0.startIndex..<$0.endIndex] }
    }

    /// What stands before the first byte of an ASCII character; all of it where there is none.
    package func bytePrefix(upTo end: Unicode.Scalar) -> SubSequence {
        self[..<(utf8.firstIndex(of: UInt8(ascii: end)) ?? endIndex)]
    }

    /// Without the spaces, tabs and ends of lines of ASCII around it.
    package func strippingBlanks() -> SubSequence {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }) else { return self[endIndex...] }
        var end = first
        for index in utf8[first...].indices where !isBlank(utf8[index]) { end = utf8.index(after: index) }
        return self[first..<end]
    }

    /// With `a` to `z` in upper case and every other byte as it is.
    package func asciiUppercased() -> String {
        String(decoding: utf8.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }, as: UTF8.self)
    }

    /// With `A` to `Z` in lower case and every other byte as it is: lowercasing makes U+212A a `k`.
    package func asciiLowercased() -> String {
        String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
