package import Names

/// What turns category texts into the numbers that a model was trained on, feature by feature.
///
/// Texts are told apart by their bytes: two spellings of one character are two texts, as they are to what trained the model.
package struct FeatureEncoders: Hashable, Sendable {
    package struct Encoder: Hashable, Sendable {
        /// Which feature the numbers are values of.
        package let feature: Int
        package let categories: [Category]
        /// What any other text becomes; NaN is missing.
        package let unknown: Double

        package init(feature: Int, categories: [Category], unknown: Double) {
            self.feature = feature
            self.categories = categories
            self.unknown = unknown
        }
    }

    package struct Category: Hashable, Sendable {
        package let text: Name
        package let number: Double

        package init(text: String, number: Double) {
            self.text = Name(text)
            self.number = number
        }
    }

    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case featureOutOfRange(Int)
        case featureTwice(Int)
        case categoryTwice(feature: Int, text: String)
        /// Categories have finite numbers; NaN or infinity is none.
        case number(feature: Int, text: String)

        package var description: String {
            switch self {
            case .featureOutOfRange(let feature): "there is no feature \(feature)"
            case .featureTwice(let feature): "feature \(feature) has two encoders"
            case .categoryTwice(let feature, let text): "feature \(feature) has the category \(text) twice"
            case .number(let feature, let text): "feature \(feature): the number of \(text) is not finite"
            }
        }
    }

    /// By rising feature.
    package let encoders: [Encoder]

    package init(_ encoders: [Encoder], featureCount: Int) throws(Failure) {
        self.encoders = encoders.sorted { $0.feature < $1.feature }
        for (index, encoder) in self.encoders.enumerated() {
            guard encoder.feature >= 0, encoder.feature < featureCount else {
                throw .featureOutOfRange(encoder.feature)
            }
            guard index == 0 || self.encoders[index - 1].feature != encoder.feature else {
                throw .featureTwice(encoder.feature)
            }
            var seen: Set<Name> = []
            seen.reserveCapacity(encoder.categories.count)
            for category in encoder.categories {
                guard category.number.isFinite else {
                    throw .number(feature: encoder.feature, text: category.text.text)
                }
                guard seen.insert(category.text).inserted else {
                    throw .categoryTwice(feature: encoder.feature, text: category.text.text)
                }
            }
        }
    }
}
