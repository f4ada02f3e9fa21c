/// Texts that differ in their bytes and that Swift's `String` takes for equal.
package enum Twins {
    /// One pair of every kind: a composed letter, two signs that are letters elsewhere, punctuation that ASCII has too,
    /// a syllable of Hangul, an order of two marks.
    package static let pairs: [(String, String)] = [
        ("caf\u{E9}", "cafe\u{301}"),
        ("K", "\u{212A}"),
        ("\u{C5}", "\u{212B}"),
        (";", "\u{37E}"),
        ("`", "\u{1FEF}"),
        ("\u{3A9}", "\u{2126}"),
        ("\u{AC01}", "\u{1100}\u{1161}\u{11A8}"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
    ]

    /// Twins of random length with plain text around what differs.
    package static func random(using random: inout SeededGenerator) -> (String, String) {
        var first = ""
        var second = ""
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let plain = String(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in "abcdefgh/._-".randomElement(using: &random)! })
            let pair = pairs.randomElement(using: &random)!
            first += plain + pair.0
            second += plain + (Bool.random(using: &random) && first != second ? pair.0 : pair.1)
        }
        if first.utf8.elementsEqual(second.utf8) { second += "\u{212A}"; first += "K" }
        return Bool.random(using: &random) ? (first, second) : (second, first)
    }
}
