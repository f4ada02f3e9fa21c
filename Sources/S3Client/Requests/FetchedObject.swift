package import S3Types

/// A whole object, checked against what the store says of it.
package struct FetchedObject: Sendable {
    package let key: ObjectKey
    package let bytes: [UInt8]
    package let etag: ETag
    /// Nil where the bucket keeps no versions.
    package let versionID: VersionID?
}
