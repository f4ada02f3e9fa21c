package import S3Types

extension StorageEngine {
    /// Makes an object of the bytes of another, which are shared and not copied.
    ///
    /// - Parameters:
    ///   - source: opened by the caller, who has decided the preconditions on it.
    ///   - attributes: the source's or new ones, as the client asked.
    ///   - checksums: nil for the source's.
    /// - Throws: ``EngineError/sourceChanged`` when the source has gone meanwhile: open it again, decide again, repeat.
    package func copyObject(
        from source: ObjectHandle, to key: ObjectKey, in bucket: BucketRecord, attributes: ObjectAttributes,
        checksums: [Checksum]? = nil, preconditions: WritePreconditions = .none
    ) async throws(EngineError) -> ObjectRecord {
        try requireRoom(UInt64(source.inlineBytes.count) * Room.logFactor)
        try prefetch(key, in: bucket)
        return try await writer.commit(
            CopyObject(
                source: source, key: key, bucket: bucket, attributes: attributes,
                checksums: checksums ?? source.record.checksums, preconditions: preconditions))
    }
}

private struct CopyObject: Change {
    let source: ObjectHandle
    let key: ObjectKey
    let bucket: BucketRecord
    let attributes: ObjectAttributes
    let checksums: [Checksum]
    let preconditions: WritePreconditions

    func apply(to draft: inout CommitDraft) throws(EngineError) -> ObjectRecord {
        try draft.require(bucket)
        let current = try draft.object(key, in: bucket.id)
        try preconditions.check(current, key: key)
        let sequence = draft.nextSequence()
        let original = source.record
        let body: BodyLayout
        switch original.body {
        case .empty: body = .empty
        case .inline: body = try draft.store(source.inlineBytes, sequence: sequence)
        case .extents(let extents):
            // Before the record in place is released, which may be the source itself.
            try draft.share(extents)
            body = original.body
        }
        let record = ObjectRecord(
            sequence: sequence, modifiedMilliseconds: draft.timeMilliseconds, sizeBytes: original.sizeBytes,
            etag: original.etag, crc64nvme: original.crc64nvme, checksums: checksums, attributes: attributes,
            parts: original.parts, body: body)
        try draft.set(record, key: key, in: bucket.id, replacing: current)
        try draft.announce(
            .createdCopy, key, in: bucket.id, sequence: sequence, sizeBytes: record.sizeBytes, etag: record.etag,
            owner: attributes.owner)
        return record
    }
}
