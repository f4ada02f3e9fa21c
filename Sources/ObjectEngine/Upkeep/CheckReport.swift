package import S3Types

/// What a check of a whole store found.
package struct CheckReport: Hashable, Sendable {
    package enum Problem: Hashable, Sendable {
        /// A file, record or key that is not as it should be, or a body that is not all there.
        case damage(Damage)
        /// The walk through a family ended here, since the database could not read on.
        case unreadable(family: String, message: String)
        /// The body of an object cannot be read, or is not what was stored.
        case body(bucket: BucketName, key: ObjectKey, message: String)
        /// Records name a blob this often, and the count of references says that.
        case references(BlobID, named: UInt64, counted: UInt64)
        /// Bytes that nothing names and the reclaimer does not know of.
        case orphan(BlobID)
        case orphanInline(UInt64)
        /// An object, upload or event of a bucket that does not exist.
        case bucket(BucketID)
        /// The feed tells that an object was written last, and there is none, or an older one.
        case lostObject(bucket: BucketName, key: ObjectKey, sequence: UInt64)
        /// An object without the event that its writing left in the feed.
        case lostEvent(bucket: BucketName, key: ObjectKey, sequence: UInt64)
        /// A record of the family has a sequence above that of the last commit.
        case sequence(family: String, found: UInt64, last: UInt64)
        /// A record names a blob that was never given out.
        case blob(BlobID, next: UInt64)
    }

    package var objectCount = 0
    package var uploadCount = 0
    package var blobCount = 0
    package var eventCount = 0
    package var problems: [Problem] = []
    /// Where a crash interrupted a write that nobody was told of; no problem.
    package var tornTail: TornTail?

    package init() {}

    /// How many of the problems are bytes that nothing names.
    package var orphanCount: Int {
        problems.count { problem in
            switch problem {
            case .orphan, .orphanInline: true
            default: false
            }
        }
    }
}

extension CheckReport.Problem: CustomStringConvertible {
    /// One line; names of buckets and keys are quoted, with whatever could end the line escaped.
    package var description: String {
        switch self {
        case .damage(let damage): "\(damage)"
        case .unreadable(let family, let message): "the family \(family) cannot be read on: \(message)"
        case .body(let bucket, let key, let message): "the body of \(Self.name(bucket, key)) is damaged: \(message)"
        case .references(let id, let named, let counted):
            "blob \(id.value) is named by \(named) records, and the family references counts \(counted)"
        case .orphan(let id): "nothing names blob \(id.value)"
        case .orphanInline(let id): "nothing names the small body \(id) of the family inline"
        case .bucket(let id): "a record is of bucket \(id.value), which does not exist"
        case .lostObject(let bucket, let key, let sequence):
            "\(Self.name(bucket, key)) is missing or older than commit \(sequence), which wrote it by the family feed"
        case .lostEvent(let bucket, let key, let sequence):
            "the family feed has no event of commit \(sequence), which wrote \(Self.name(bucket, key))"
        case .sequence(let family, let found, let last):
            "the family \(family) has a record of commit \(found), and the last commit is \(last)"
        case .blob(let id, let next): "a record names blob \(id.value), and the next to be given out is \(next)"
        }
    }

    private static func name(_ bucket: BucketName, _ key: ObjectKey) -> String {
        "\(bucket.text)/\(key.text.debugDescription)"
    }
}
