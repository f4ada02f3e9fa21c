/// What is asked of a listing.
package struct ListQuery: Hashable, Sendable {
    package var prefix: String
    /// Keys that share what comes before it, behind the prefix, are shown as one common prefix; empty for none.
    package var delimiter: String
    /// Only what comes after this is shown. One that equals a common prefix skips all of that prefix.
    package var startAfter: String?
    /// The most objects and common prefixes together.
    package var limit: Int

    package init(prefix: String = "", delimiter: String = "", startAfter: String? = nil, limit: Int = 1000) {
        self.prefix = prefix
        self.delimiter = delimiter
        self.startAfter = startAfter
        self.limit = limit
    }
}

/// A page of a listing, in the order of the keys' bytes.
package struct ListPage: Sendable {
    package var objects: [ObjectSummary] = []
    package var commonPrefixes: [String] = []
    /// Where the next page starts after; nil when this is the last.
    package var next: String?
}
