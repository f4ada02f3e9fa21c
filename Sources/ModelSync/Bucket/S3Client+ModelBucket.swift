package import S3Client
package import S3Types

extension S3Client: ModelBucket {
    package func objects(prefix: String) async throws(S3ClientError) -> [BucketObject] {
        try await listObjects(prefix: prefix).map {
            BucketObject(key: $0.key, etag: $0.etag, sizeBytes: $0.sizeBytes, modified: $0.modified)
        }
    }

    package func artifact(
        _ key: ObjectKey, ifMatch etag: ETag, limitBytes: UInt64
    ) async throws(S3ClientError) -> FetchedArtifact {
        let object = try await getObject(key, ifMatch: etag, limitBytes: limitBytes)
        return FetchedArtifact(bytes: object.bytes, version: object.versionID?.text ?? object.etag.text)
    }
}
