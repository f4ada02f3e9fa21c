// From the texts of a request to columns and numbers. Nothing here allocates.

import ModelTypes

extension ModelImageView {
    /// The feature of this name; nil when none has it, or more than one.
    ///
    /// - Parameter name: UTF-8, compared byte by byte.
    package func featureIndex(named name: UnsafeRawBufferPointer) -> Int? {
        unsafe textTables.featureIndex(named: name)
    }

    package func featureIndex(named name: Span<UInt8>) -> Int? {
        unsafe name.withUnsafeBytes { unsafe textTables.featureIndex(named: $0) }
    }

    /// Whether the feature takes texts.
    package func isEncoded(_ feature: Int) -> Bool { isCategory(feature) || textTables.isEncoded(feature) }

    /// Whether the feature is one of categories that the model itself knows by their hash. Integers are texts there, too: their
    /// digits.
    package func isCategory(_ feature: Int) -> Bool { computed.isTextColumn(feature) }

    /// Whether any feature takes texts.
    package var takesTexts: Bool { computed.hasTextColumns || textTables.hasEncoders }

    /// What a text of this feature stands for: a category's number, or what the encoder makes of unknown texts, NaN where that is
    /// a missing value. Nil when the feature has no encoder: it takes numbers.
    ///
    /// - Parameter text: UTF-8, compared byte by byte.
    package func encodedNumber(of text: UnsafeRawBufferPointer, feature: Int) -> Double? {
        if isCategory(feature) { return unsafe CategoryHash.number(CategoryHash.category(text)) }
        return unsafe textTables.number(of: text, feature: feature)
    }

    package func encodedNumber(of text: Span<UInt8>, feature: Int) -> Double? {
        unsafe text.withUnsafeBytes { unsafe encodedNumber(of: $0, feature: feature) }
    }

    /// The same of an integer, whose text is its digits; nil where numbers are no texts.
    package func encodedNumber(of integer: Int, feature: Int) -> Double? {
        isCategory(feature) ? CategoryHash.number(CategoryHash.category(integer)) : nil
    }
}
