package import S3Client
package import S3Types

/// What the sidecar needs of a bucket. The real one is an `S3Client`; tests have one in memory.
package protocol ModelBucket: Sendable {
    /// Every object below a prefix.
    func objects(prefix: String) async throws(S3ClientError) -> [BucketObject]

    /// A whole object in the state that an ETag names, checked against what the store says of it.
    func artifact(_ key: ObjectKey, ifMatch etag: ETag, limitBytes: UInt64) async throws(S3ClientError)
        -> FetchedArtifact

    /// Follows the change feed until the connection ends: see `S3Client.follow`.
    func follow(
        prefix: String, after cursor: String?, opened: (String) async -> Void, heard: ([FeedNotice]) async -> Void
    ) async throws(S3ClientError)
}

/// An object as a listing shows it.
package struct BucketObject: Sendable, Equatable {
    package let key: ObjectKey
    package let etag: ETag
    package let sizeBytes: UInt64
    /// RFC 3339 in UTC, as the store writes it: its order as text is the order in time.
    package let modified: String

    package init(key: ObjectKey, etag: ETag, sizeBytes: UInt64, modified: String) {
        self.key = key
        self.etag = etag
        self.sizeBytes = sizeBytes
        self.modified = modified
    }
}

/// The bytes of an artifact and what clients are told its version is.
package struct FetchedArtifact: Sendable {
    package let bytes: [UInt8]
    /// The S3 version id where the bucket has versions, else the ETag.
    package let version: String

    package init(bytes: [UInt8], version: String) {
        self.bytes = bytes
        self.version = version
    }
}
