import RocksKit

/// The column families, in the order they are opened in. Docs/Formats/keys.md describes the keys of each.
enum Family: UInt32, CaseIterable {
    /// Bucket name → bucket record.
    case buckets
    /// Bucket id, object key → object record.
    case objects
    /// Inline id → the whole of a small body.
    case inline
    /// Blob id, chunk number → chunk of a middling body.
    case blob
    /// Blob id, chunk number → chunk of a large body, in table files that are never rewritten.
    case part
    /// Uploads in progress, their parts, and the sequence of each upload's last change.
    case uploads
    /// Bucket id, sequence → event.
    case feed
    /// Sequence, index → what nothing names any more and may be taken away.
    case reclaim
    /// Blob id → how many records name it.
    case references
    /// The store's own facts, by name.
    case system

    static let blobFileThresholdBytes: UInt64 = 32 << 10
    /// Small, since on a disk that is nearly full dead bytes are cleared out of one at a time.
    static let blobFileBytes: UInt64 = 32 << 20

    var settings: FamilySettings {
        switch self {
        case .buckets: FamilySettings(name: "buckets", writeBufferBytes: 4 << 20)
        case .objects: FamilySettings(name: "objects", writeBufferBytes: 64 << 20, bloomBitsPerKey: 10)
        case .inline: FamilySettings(name: "inline", writeBufferBytes: 64 << 20)
        case .blob:
            FamilySettings(
                name: "blob", writeBufferBytes: 64 << 20, compresses: false,
                blobThresholdBytes: Self.blobFileThresholdBytes, blobFileBytes: Self.blobFileBytes)
        case .part:
            FamilySettings(name: "part", writeBufferBytes: 4 << 20, compresses: false, compactsAutomatically: false)
        case .uploads: FamilySettings(name: "uploads")
        case .feed: FamilySettings(name: "feed")
        case .reclaim: FamilySettings(name: "reclaim", writeBufferBytes: 4 << 20)
        case .references: FamilySettings(name: "references", bloomBitsPerKey: 10)
        case .system: FamilySettings(name: "system", writeBufferBytes: 4 << 20)
        }
    }
}
