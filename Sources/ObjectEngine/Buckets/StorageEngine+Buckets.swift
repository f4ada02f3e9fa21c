package import S3Types

extension StorageEngine {
    /// - Throws: ``EngineError/bucketExists(_:)`` whoever owns it.
    package func createBucket(
        _ name: BucketName, owner: String, tenant: String = "", region: String
    ) async throws(EngineError) -> BucketRecord {
        try requireRoom(0)
        return try await writer.commit(CreateBucket(name: name, owner: owner, tenant: tenant, region: region))
    }

    /// The bucket of a name, from memory.
    package func bucket(_ name: BucketName) throws(EngineError) -> BucketRecord {
        guard let record = bucketTable[name] else { throw .noSuchBucket(name) }
        return record
    }

    /// Every bucket, by name, from memory.
    package func buckets() -> [BucketRecord] { bucketTable.all }

    /// Removes a bucket that holds no objects. Uploads in progress go with it, its feed too.
    package func deleteBucket(_ bucket: BucketRecord) async throws(EngineError) {
        try await writer.commit(DeleteBucket(bucket: bucket))
    }
}

private struct CreateBucket: Change {
    let name: BucketName
    let owner: String
    let tenant: String
    let region: String

    func apply(to draft: inout CommitDraft) throws(EngineError) -> BucketRecord {
        if let existing = draft.bucket(name) { throw .bucketExists(existing) }
        let record = BucketRecord(
            id: BucketID(draft.nextSequence()), name: name, owner: owner, tenant: tenant, region: region,
            createdMilliseconds: draft.timeMilliseconds)
        try draft.set(record)
        return record
    }
}

private struct DeleteBucket: Change {
    let bucket: BucketRecord

    func apply(to draft: inout CommitDraft) throws(EngineError) {
        try draft.require(bucket)
        let objects = StoreKey.object(prefix: [], in: bucket.id)
        guard try !draft.holdsAnything(withPrefix: objects, in: .objects) else { throw .bucketNotEmpty(bucket.name) }
        try draft.remove(bucket, sequence: draft.nextSequence())
    }
}
