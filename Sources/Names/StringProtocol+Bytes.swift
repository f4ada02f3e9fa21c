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

    /// The pieces between the bytes of one ASCII character, empty ones too.
    ///
    /// - Parameter cuts: How many times to cut at most.
    package func pieces(at separator: Unicode.Scalar, cuts: Int = .max) -> [SubSequence] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: cuts, omittingEmptySubsequences: false)
            .map { self[$0.startIndex..<$0.endIndex] }
    }

    /// With `A` to `Z` in lower case and every other byte as it is: lowercasing makes U+212A a `k`.
    package func asciiLowercased() -> String {
        String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
