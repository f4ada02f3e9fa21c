package import S3Types

/// One change of one bucket.
package struct FeedEvent: Hashable, Sendable {
    static let version: UInt8 = 1

    /// Source: "Event notification types and destinations", Amazon S3 User Guide.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case createdPut = 1
        case createdPost = 2
        case createdCopy = 3
        case createdCompleteMultipartUpload = 4
        case removedDelete = 16

        package var name: String {
            switch self {
            case .createdPut: "s3:ObjectCreated:Put"
            case .createdPost: "s3:ObjectCreated:Post"
            case .createdCopy: "s3:ObjectCreated:Copy"
            case .createdCompleteMultipartUpload: "s3:ObjectCreated:CompleteMultipartUpload"
            case .removedDelete: "s3:ObjectRemoved:Delete"
            }
        }
    }

    /// The place behind this event: following resumes after it.
    package let cursor: FeedCursor
    package let kind: Kind
    package let key: ObjectKey
    package let sizeBytes: UInt64
    /// Nil for a removal.
    package let etag: ETag?
    package let timeMilliseconds: Int64
    package let owner: String

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version, capacity: 128)
        writer.byte(kind.rawValue)
        writer.number(timeMilliseconds)
        writer.varint(sizeBytes)
        writer.text(etag?.text ?? "")
        writer.text(owner)
        writer.text(key.text)
        return writer.bytes
    }
}

extension FeedEvent {
    init(cursor: FeedCursor, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        guard let kind = Kind(rawValue: try reader.byte()) else { throw .invalid(field: "event.kind") }
        self.cursor = cursor
        self.kind = kind
        self.timeMilliseconds = try reader.signedNumber()
        self.sizeBytes = try reader.varint()
        let tag = try reader.text()
        do throws(ValueError) { self.etag = tag.isEmpty ? nil : try ETag(tag) } catch { throw .invalid(field: "etag") }
        self.owner = try reader.text()
        self.key = try reader.objectKey()
        try reader.finish()
    }
}

/// A run of events.
package struct FeedPage: Sendable {
    package let events: [FeedEvent]
    /// Where to go on from.
    package let next: FeedCursor
    /// Whether there were more at the time of reading.
    package let isTruncated: Bool
}
