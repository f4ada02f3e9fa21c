/// The sets that categorical splits ask, as bits, bounded so that a short file cannot ask for much memory.
struct CategorySets {
    /// A set takes at most 128 KiB.
    private static let maxCategory = 1 << 20
    /// All sets of a model together: 64 MiB.
    private static let maxWordCount = 1 << 24

    /// 32 categories to a word, the least significant bit first.
    private(set) var words: [[UInt32]] = []
    private var wordCount = 0

    /// Adds a set of categories and answers its number.
    mutating func add(_ members: some Collection<Int>, offset: Int) throws(ModelFormatError) -> Int32 {
        var greatest = -1
        for member in members {
            guard member >= 0, member < Self.maxCategory else {
                throw ModelFormatError(.inconsistent("a category's number"), at: offset)
            }
            greatest = max(greatest, member)
        }
        var bits = [UInt32](repeating: 0, count: (greatest >> 5) + 1)
        for member in members { bits[member >> 5] |= 1 << UInt32(member & 31) }
        return try add(words: bits, offset: offset)
    }

    /// Adds a set that is bits already.
    mutating func add(words bits: [UInt32], offset: Int) throws(ModelFormatError) -> Int32 {
        wordCount += bits.count
        guard wordCount <= Self.maxWordCount else { throw ModelFormatError(.tooLarge("categories"), at: offset) }
        words.append(bits)
        return Int32(words.count - 1)
    }
}
