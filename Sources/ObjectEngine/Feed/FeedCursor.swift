import S3Types

/// A place in the history of one store, opaque to clients.
///
/// It carries the store's epoch, so that a cursor of another store, or of this one before it was restored, is told apart.
package struct FeedCursor: Hashable, Sendable, CustomStringConvertible {
    let epoch: UInt64
    let sequence: UInt64

    init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Nil when the text cannot be a cursor of ours: treat it like one that has expired.
    package init?(_ text: String) {
        // text: its own hexadecimal, or refused
        guard text.utf8.count == 32, let bytes = bytes(hexadecimal: text), hexadecimal(bytes) == text,
            let epoch = StoreKey.number(at: 0, in: bytes), let sequence = StoreKey.number(at: 8, in: bytes)
        else { return nil }
        self.epoch = epoch
        self.sequence = sequence
    }

    package var description: String { hexadecimal(StoreKey.number(epoch) + StoreKey.number(sequence)) }
}
