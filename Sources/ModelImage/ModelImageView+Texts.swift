// From the texts of a request to columns and numbers. Nothing here allocates.

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
    package func isEncoded(_ feature: Int) -> Bool { textTables.isEncoded(feature) }

    /// What a text of this feature stands for: a category's number, or what the encoder makes of unknown texts, NaN where that is
    /// a missing value. Nil when the feature has no encoder: it takes numbers.
    ///
    /// - Parameter text: UTF-8, compared byte by byte.
    package func encodedNumber(of text: UnsafeRawBufferPointer, feature: Int) -> Double? {
        unsafe textTables.number(of: text, feature: feature)
    }

    package func encodedNumber(of text: Span<UInt8>, feature: Int) -> Double? {
        unsafe text.withUnsafeBytes { unsafe textTables.number(of: $0, feature: feature) }
    }
}
