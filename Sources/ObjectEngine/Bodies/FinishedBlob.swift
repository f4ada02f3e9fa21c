import Digests
package import S3Types
import Synchronization

/// What is left on the disk of a body that nobody committed.
struct BlobRemains: Sendable {
    /// Every id that was taken for it; tables of theirs may be staged or ingested.
    let ids: [BlobID]
    let extents: [Extent]
}

/// A body whose bytes are stored and that nothing names yet. Committed, or dropped and cleared away.
package final class FinishedBlob: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        case extents([Extent])
    }

    let content: Content
    package let sizeBytes: UInt64
    let crc: UInt64
    /// Of the database, when the first of the bytes were written.
    let generation: UInt64
    private let ids: [BlobID]
    private let registry: BlobIDs
    private let discard: @Sendable (BlobRemains) -> Void
    private let isCommitted = Atomic(false)

    init(
        content: Content, sizeBytes: UInt64, crc: UInt64, generation: UInt64, ids: [BlobID], registry: BlobIDs,
        discard: @escaping @Sendable (BlobRemains) -> Void
    ) {
        self.content = content
        self.sizeBytes = sizeBytes
        self.crc = crc
        self.generation = generation
        self.ids = ids
        self.registry = registry
        self.discard = discard
    }

    deinit {
        guard !wasCommitted, !ids.isEmpty else { return }
        if case .extents(let extents) = content { discard(BlobRemains(ids: ids, extents: extents)) }
    }

    /// The engine's own integrity value over the whole body.
    package var crc64nvme: Checksum { Checksum(.crc64nvme, bytes: CRC.crc64nvme.bytes(of: crc)) }

    var extents: [Extent] {
        if case .extents(let extents) = content { extents } else { [] }
    }

    var wasCommitted: Bool { isCommitted.load(ordering: .acquiring) }

    /// Says that a batch naming the blob has been written, or may have been: its bytes are no longer ours to clear.
    func markCommitted() {
        isCommitted.store(true, ordering: .releasing)
    }

    /// Takes ``markCommitted()`` back: the batch turned out not to have been written.
    func markUncommitted() {
        isCommitted.store(false, ordering: .releasing)
    }

    /// Lets the floor of open ids rise past this blob, once its commit is certain.
    func settle() {
        registry.settle(ids)
    }
}
