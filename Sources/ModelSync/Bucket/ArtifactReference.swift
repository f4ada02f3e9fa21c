import Names
import S3Types

/// One state of one artifact in the bucket.
struct ArtifactReference: Sendable, Equatable {
    let key: ObjectKey
    let etag: ETag
    let sizeBytes: UInt64
    let isBundle: Bool

    init(key: ObjectKey, etag: ETag, sizeBytes: UInt64, isBundle: Bool) {
        self.key = key
        self.etag = etag
        self.sizeBytes = sizeBytes
        self.isBundle = isBundle
    }

    /// The newest artifact of each model in a listing; among those of one moment the last in key order.
    static func newest(of objects: [BucketObject], prefix: String) -> [Name: ArtifactReference] {
        var newest: [Name: (object: BucketObject, isBundle: Bool)] = [:]
        for object in objects {
            guard let artifact = ArtifactKey(object.key, prefix: prefix) else { continue }
            if let known = newest[artifact.model]?.object,
                (Name(known.modified), known.key) > (Name(object.modified), object.key)
            {
                continue
            }
            newest[artifact.model] = (object, artifact.isBundle)
        }
        return newest.mapValues {
            ArtifactReference(
                key: $0.object.key, etag: $0.object.etag, sizeBytes: $0.object.sizeBytes, isBundle: $0.isBundle)
        }
    }
}
