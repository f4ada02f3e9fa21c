import Names

/// A column of answers in `golden.csv`: `margin` of a model with one, `margin[2]` of one with several.
struct GoldenColumn: Equatable, CustomStringConvertible {
    enum Kind: String, CaseIterable {
        case margin
        case probability
        case prediction
    }

    let kind: Kind
    /// Which of a row's, from 0; nil where the name does not say.
    let index: Int?

    /// Nil for any other name: that of a feature.
    init?(_ name: String) {
        let stem = name.bytePrefix(upTo: "[")
        guard let kind = Kind(rawValue: String(stem)) else { return nil }
        self.kind = kind
        let rest = name[stem.endIndex...]
        if rest.isEmpty {
            index = nil
            return
        }
        guard rest.hasByteSuffix("]"), let index = Int(rest.dropFirst().dropLast()), index >= 0,
            rest.hasSameBytes(as: "[\(index)]")
        else { return nil }
        self.index = index
    }

    var description: String { index.map { "\(kind.rawValue)[\($0)]" } ?? kind.rawValue }
}
