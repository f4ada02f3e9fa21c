/// What a model makes of the fields of a row: how many there are, what they are called, and what texts stand for.
///
/// A class, so that the reader borrows it; each event loop has one of its own for each model, so that no loop touches
/// another's reference count.
package final class RowSchema: Sendable {
    /// 1 or more.
    package let featureCount: Int
    /// Nil for a model without names: its rows come by position.
    package let names: FeatureNames?
    /// Nil for a model whose every feature is a number: a text is then refused.
    let texts: (any FeatureTexts)?

    /// - Parameter featureNames: one for each feature, or none. Names that are not unique are as good as none.
    package init(featureCount: Int, featureNames: [String] = [], texts: (any FeatureTexts)? = nil) {
        precondition(featureCount > 0, "a row has a field")
        precondition(featureNames.isEmpty || featureNames.count == featureCount, "a name for each feature or none")
        self.featureCount = featureCount
        self.names = FeatureNames(featureNames)
        self.texts = texts
    }

    /// What a tensor of one feature is called: `f0`, `f1`, … where there are no names.
    func tensorName(_ feature: Int) -> String { names?.name(of: feature) ?? "f\(feature)" }

    /// The encoder of a feature's texts; nil where the feature is a number.
    func encoder(of feature: Int) -> (any FeatureTexts)? {
        guard let texts, texts.isEncoded(feature) else { return nil }
        return texts
    }
}

/// What the texts of a model's features stand for, by its encoders.
///
/// In JSON a string is such a text and a number is what a text would have become, except where integers are texts, too. CSV knows
/// no such difference: there each field of an encoded feature is a text.
package protocol FeatureTexts: Sendable {
    /// Whether texts stand for numbers in this feature.
    func isEncoded(_ feature: Int) -> Bool
    /// The number that a text, in UTF-8, stands for, NaN where it is missing; nil for a text that the request may not hold.
    func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double?
    /// Whether an integer of this feature is the text of its digits, and any other number refused.
    func readsIntegers(_ feature: Int) -> Bool
    /// The number that an integer stands for where it is a text.
    func number(of integer: Int, feature: Int) -> Double?
}

extension FeatureTexts {
    package func readsIntegers(_ feature: Int) -> Bool { false }
    package func number(of integer: Int, feature: Int) -> Double? { nil }
}
