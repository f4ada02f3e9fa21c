import InferenceWire
package import ModelImage

/// The encoders and categories of an image, as readers of rows ask them. Used only while the image is mapped, as the view itself is.
package struct ImageTexts: FeatureTexts {
    private let view: ModelImageView

    /// Nil for an image without either: all its features are numbers.
    package init?(_ view: ModelImageView) {
        guard view.takesTexts else { return nil }
        self.view = view
    }

    package func isEncoded(_ feature: Int) -> Bool { view.isEncoded(feature) }

    package func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double? {
        unsafe view.encodedNumber(of: UnsafeRawBufferPointer(text), feature: feature)
    }

    package func readsIntegers(_ feature: Int) -> Bool { view.isCategory(feature) }
    package func number(of integer: Int, feature: Int) -> Double? { view.encodedNumber(of: integer, feature: feature) }
}
