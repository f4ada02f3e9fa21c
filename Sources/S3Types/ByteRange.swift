import Names

/// One range of a `Range: bytes=…` header, before the size of the object is known.
///
/// Source: RFC 9110, section 14.1.2. S3 serves a single range only; a header that names several, or that does not parse,
/// is ignored and the whole object is sent.
package enum ByteRange: Hashable, Sendable {
    /// From `first` to `last`, both included.
    case bounded(first: UInt64, last: UInt64)
    /// From `first` to the end.
    case from(UInt64)
    /// The last `count` bytes.
    case suffix(count: UInt64)

    /// Nil where the header is to be ignored.
    package init?(header: String) {
        guard header.utf8.starts(with: "bytes=".utf8) else { return nil }
        let ends = Substring(header.utf8.dropFirst(6)).pieces(at: "-")
        guard ends.count == 2 else { return nil }
        let first = UInt64(digits: ends[0])
        let last = UInt64(digits: ends[1])
        switch (ends[0].isEmpty, ends[1].isEmpty, first, last) {
        case (false, false, let first?, let last?) where first <= last: self = .bounded(first: first, last: last)
        case (false, true, let first?, _): self = .from(first)
        case (true, false, _, let count?): self = .suffix(count: count)
        default: return nil
        }
    }

    /// The bytes of an object of this size that the range names, or nil when it names none (416 InvalidRange).
    package func resolved(sizeBytes: UInt64) -> Range<UInt64>? {
        switch self {
        case .bounded(let first, let last):
            first < sizeBytes ? first..<(min(last, sizeBytes - 1) + 1) : nil
        case .from(let first):
            first < sizeBytes ? first..<sizeBytes : nil
        case .suffix(let count):
            count > 0 && sizeBytes > 0 ? (sizeBytes - min(count, sizeBytes))..<sizeBytes : nil
        }
    }
}
