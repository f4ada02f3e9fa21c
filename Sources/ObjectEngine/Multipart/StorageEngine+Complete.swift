import RocksKit
package import S3Types

extension StorageEngine {
    /// Makes an object of the listed parts; those not listed go away. No bytes are copied.
    ///
    /// - Parameters:
    ///   - checksums: whole-object checksums that the client declared; they must come out.
    ///   - expectedSizeBytes: likewise the size.
    /// - Throws: what is wrong with the list; the upload is then as it was.
    package func completeUpload(
        _ upload: UploadRecord, parts: [CompletedPart], checksums: [Checksum] = [], expectedSizeBytes: UInt64? = nil,
        preconditions: WritePreconditions = .none
    ) async throws(EngineError) -> ObjectRecord {
        try prefetch(upload.key, in: upload.bucket)
        // Each further round means that a part was put in between.
        while true {
            let change = try changeSequence(of: upload)
            let stored = try self.parts(of: upload, limit: Int(PartNumber.limit)).parts
            let plan = try CompletionPlan.make(
                parts, from: stored, of: upload, changeSequence: change, declared: checksums,
                expectedSizeBytes: expectedSizeBytes, minimumPartBytes: configuration.minimumPartBytes)
            let record = try await writer.commit(
                CompleteUpload(upload: upload, plan: plan, preconditions: preconditions))
            if let record { return record }
        }
    }

    private func changeSequence(of upload: UploadRecord) throws(EngineError) -> UInt64 {
        try requireCurrent(upload.bucket)
        let key = StoreKey.uploadChange(upload.id, in: upload.bucket.id)
        guard let bytes = try value(key, in: .uploads), let sequence = StoreKey.number(at: 0, in: bytes) else {
            throw .noSuchUpload(upload.id)
        }
        return sequence
    }
}

private struct CompleteUpload: Change {
    let upload: UploadRecord
    let plan: CompletionPlan
    let preconditions: WritePreconditions

    /// - Returns: nil when a part has changed since the plan was made.
    func apply(to draft: inout CommitDraft) throws(EngineError) -> ObjectRecord? {
        let (bucket, key) = (upload.bucket.id, upload.key)
        try draft.require(upload.bucket)
        guard let change = try draft.value(StoreKey.uploadChange(upload.id, in: bucket), in: .uploads) else {
            throw .noSuchUpload(upload.id)
        }
        guard StoreKey.number(at: 0, in: change) == plan.changeSequence else { return nil }
        let current = try draft.object(key, in: bucket)
        try preconditions.check(current, key: key)
        let sequence = draft.nextSequence()
        let record = ObjectRecord(
            sequence: sequence, modifiedMilliseconds: draft.timeMilliseconds, sizeBytes: plan.sizeBytes,
            etag: plan.etag,
            crc64nvme: plan.crc64nvme, checksums: plan.checksums, attributes: upload.attributes, parts: plan.parts,
            body: plan.extents.isEmpty ? .empty : .extents(plan.extents))
        let kept = Set(plan.parts.map(\.number))
        for part in try draft.takeParts(of: UploadLocation(upload)) where !kept.contains(part.number.value) {
            try draft.release(part.extents, sequence: sequence)
        }
        try draft.set(record, key: key, in: bucket, replacing: current)
        try draft.announce(
            .createdCompleteMultipartUpload, key, in: bucket, sequence: sequence, sizeBytes: record.sizeBytes,
            etag: record.etag, owner: upload.attributes.owner)
        return record
    }
}
