import RocksKit
package import S3Types

extension StorageEngine {
    /// Makes a finished body the object of a key.
    ///
    /// - Parameters:
    ///   - etag: what the client will see; the engine does not derive it.
    ///   - checksums: declared ones that the caller has verified.
    ///   - event: what the feed calls it.
    /// - Throws: nothing has changed then, and the body's bytes go away with `blob`; but after
    ///   ``EngineError/storage(_:)`` the outcome is unknown.
    package func putObject(
        _ key: ObjectKey, in bucket: BucketRecord, blob: FinishedBlob, etag: ETag, checksums: [Checksum] = [],
        attributes: ObjectAttributes, preconditions: WritePreconditions = .none, event: FeedEvent.Kind = .createdPut
    ) async throws(EngineError) -> ObjectRecord {
        try prefetch(key, in: bucket)
        return try await writer.commit(
            PutObject(
                key: key, bucket: bucket, blob: blob, etag: etag, checksums: checksums, attributes: attributes,
                preconditions: preconditions, event: event))
    }

    /// Brings what the writer will read into memory, so that it never waits for the disk on behalf of one request.
    func prefetch(_ key: ObjectKey, in bucket: BucketRecord) throws(EngineError) {
        try storing { () throws(RocksError) in
            _ = try database.value(StoreKey.object(key, in: bucket.id), in: Family.objects.rawValue)
        }
    }
}

private struct PutObject: Change {
    let key: ObjectKey
    let bucket: BucketRecord
    let blob: FinishedBlob
    let etag: ETag
    let checksums: [Checksum]
    let attributes: ObjectAttributes
    let preconditions: WritePreconditions
    let event: FeedEvent.Kind

    func apply(to draft: inout CommitDraft) throws(EngineError) -> ObjectRecord {
        try draft.require(bucket)
        let current = try draft.object(key, in: bucket.id)
        try preconditions.check(current, key: key)
        let sequence = draft.nextSequence()
        let record = ObjectRecord(
            sequence: sequence, modifiedMilliseconds: draft.timeMilliseconds, sizeBytes: blob.sizeBytes, etag: etag,
            crc64nvme: blob.crc, checksums: checksums, attributes: attributes, parts: [],
            body: try draft.store(blob, sequence: sequence))
        try draft.set(record, key: key, in: bucket.id, replacing: current)
        try draft.announce(
            event, key, in: bucket.id, sequence: sequence, sizeBytes: record.sizeBytes, etag: etag,
            owner: attributes.owner)
        return record
    }
}
