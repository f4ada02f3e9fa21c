import RocksKit

/// Some bytes of a body, kept where they are for as long as this lives.
package final class BodyChunk: Sendable {
    private let pinned: PinnedValue?
    private let bytes: [UInt8]
    private let range: Range<Int>

    init(pinned: consuming PinnedValue, range: Range<Int>) {
        self.pinned = consume pinned
        self.bytes = []
        self.range = range
    }

    init(bytes: [UInt8], range: Range<Int>) {
        self.pinned = nil
        self.bytes = bytes
        self.range = range
    }

    package var count: Int { range.count }

    /// Lends the bytes for the length of the call.
    package func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Invariant: the range lies within the value, checked by whoever made the chunk.
        switch pinned {
        case .some(let value):
            return try value.withBytes { span throws(Failure) in try body(span.extracting(self.range)) }
        case .none:
            let bytes = self.bytes
            return try unsafe body(bytes.span.bytes.extracting(range))
        }
    }
}
