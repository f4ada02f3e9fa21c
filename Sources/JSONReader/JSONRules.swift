/// What a reader accepts.
package struct JSONRules: Hashable, Sendable {
    /// How many arrays and objects may be open at once; at most ``JSONRules/depthCeiling``.
    package let maxDepth: Int
    /// The longest string, in bytes of its source text.
    package let maxStringBytes: Int
    /// Whether `NaN`, `Infinity` and `-Infinity` are numbers, as several writers put them, and numbers beyond the range of
    /// their type are infinite. JSON has neither.
    package let allowsNonFinite: Bool

    /// Open containers are kept as bits while a value is skipped; this is how many bits there are.
    package static let depthCeiling = 512

    package init(maxDepth: Int = 64, maxStringBytes: Int = 1 << 20, allowsNonFinite: Bool = false) {
        precondition((1...Self.depthCeiling).contains(maxDepth), "depth is 1 to \(Self.depthCeiling)")
        self.maxDepth = maxDepth
        self.maxStringBytes = maxStringBytes
        self.allowsNonFinite = allowsNonFinite
    }
}

/// The kinds of JSON values.
package enum JSONKind: Hashable, Sendable {
    case object, array, string, number, boolean, null
}

/// A string or key inside the text being read: checked, not yet copied.
package struct JSONText: Hashable, Sendable {
    /// The bytes between the quotation marks.
    package let range: Range<Int>
    /// Whether the bytes differ from the string's own because of escapes.
    package let hasEscapes: Bool
}
