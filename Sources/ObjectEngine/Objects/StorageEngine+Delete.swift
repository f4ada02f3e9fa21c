package import S3Types

/// One object to be deleted.
package struct Deletion: Hashable, Sendable {
    package var key: ObjectKey
    package var preconditions: WritePreconditions

    package init(key: ObjectKey, preconditions: WritePreconditions = .none) {
        self.key = key
        self.preconditions = preconditions
    }
}

extension StorageEngine {
    /// - Returns: whether there was such an object; that there was none is no error.
    @discardableResult
    package func deleteObject(
        _ key: ObjectKey, in bucket: BucketRecord, preconditions: WritePreconditions = .none
    ) async throws(EngineError) -> Bool {
        let results = try await deleteObjects([Deletion(key: key, preconditions: preconditions)], in: bucket)
        return try results[0].get()
    }

    /// Deletes several objects in one commit, each on its own terms.
    ///
    /// - Returns: one result each, in order: whether there was such an object, or why it was left.
    package func deleteObjects(
        _ deletions: [Deletion], in bucket: BucketRecord
    ) async throws(EngineError) -> [Result<Bool, EngineError>] {
        for deletion in deletions { try prefetch(deletion.key, in: bucket) }
        return try await writer.commit(DeleteObjects(deletions: deletions, bucket: bucket))
    }
}

private struct DeleteObjects: Change {
    let deletions: [Deletion]
    let bucket: BucketRecord

    func apply(to draft: inout CommitDraft) throws(EngineError) -> [Result<Bool, EngineError>] {
        try draft.require(bucket)
        var results: [Result<Bool, EngineError>] = []
        for deletion in deletions {
            let current = try draft.object(deletion.key, in: bucket.id)
            do throws(EngineError) {
                try deletion.preconditions.check(current, key: deletion.key)
            } catch {
                results.append(.failure(error))
                continue
            }
            if let current { try delete(deletion.key, current, in: &draft) }
            results.append(.success(current != nil))
        }
        return results
    }

    private func delete(
        _ key: ObjectKey, _ current: ObjectRecord, in draft: inout CommitDraft
    ) throws(EngineError) {
        let sequence = draft.nextSequence()
        try draft.remove(key, in: bucket.id, old: current, sequence: sequence)
        try draft.announce(
            .removedDelete, key, in: bucket.id, sequence: sequence, sizeBytes: 0, etag: nil,
            owner: current.attributes.owner)
    }
}
