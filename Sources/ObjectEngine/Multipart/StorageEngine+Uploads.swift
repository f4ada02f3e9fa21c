import RocksKit
package import S3Types

extension StorageEngine {
    /// Begins an upload in parts.
    package func createUpload(
        _ key: ObjectKey, in bucket: BucketRecord, attributes: ObjectAttributes,
        checksumAlgorithm: ChecksumAlgorithm? = nil, checksumType: ChecksumType? = nil
    ) async throws(EngineError) -> UploadRecord {
        try requireRoom(0)
        return try await writer.commit(
            CreateUpload(
                key: key, bucket: bucket, attributes: attributes, checksumAlgorithm: checksumAlgorithm,
                checksumType: checksumType, salt: configuration.randomNumber()))
    }

    package func upload(
        _ id: UploadID, of key: ObjectKey, in bucket: BucketRecord
    ) throws(EngineError) -> UploadRecord {
        try requireCurrent(bucket)
        guard let bytes = try value(StoreKey.upload(id, of: key, in: bucket.id), in: .uploads) else {
            throw .noSuchUpload(id)
        }
        return try decoding(.uploads) { () throws(RecordError) in
            try UploadRecord(id: id, of: key, in: bucket, decoding: bytes)
        }
    }

    /// Stores a part, in the place of one of the same number if there is one.
    ///
    /// - Parameter etag: the MD5 of its bytes, which completion makes the object's tag of.
    package func putPart(
        _ number: PartNumber, of upload: UploadRecord, blob: FinishedBlob, etag: ETag, checksums: [Checksum] = []
    ) async throws(EngineError) -> PartRecord {
        try await writer.commit(
            PutPart(number: number, upload: upload, blob: blob, etag: etag, checksums: checksums))
    }

    /// Ends an upload and takes its parts away.
    package func abortUpload(_ upload: UploadRecord) async throws(EngineError) {
        let wasThere = try await writer.commit(DropUpload(location: UploadLocation(upload)))
        guard wasThere else { throw .noSuchUpload(upload.id) }
    }

    /// The parts of an upload by number, those after `after`.
    package func parts(
        of upload: UploadRecord, after: PartNumber? = nil, limit: Int
    ) throws(EngineError) -> PartPage {
        var parts: [PartRecord] = []
        let prefix = StoreKey.parts(of: upload.id, in: upload.bucket.id)
        let start = after.map { StoreKey.part($0, of: upload.id, in: upload.bucket.id) + [0] } ?? prefix
        guard let end = StoreKey.successor(ofPrefix: prefix) else { return PartPage(parts: [], isTruncated: false) }
        var cursor = Cursor(database, family: Family.uploads.rawValue, lower: prefix, upper: end)
        try storing { () throws(RocksError) in try cursor.seek(start) }
        while cursor.isValid {
            if parts.count >= limit { return PartPage(parts: parts, isTruncated: true) }
            parts.append(try PartRecord(key: cursor.key, value: cursor.value))
            try storing { () throws(RocksError) in try cursor.next() }
        }
        return PartPage(parts: parts, isTruncated: false)
    }
}

/// A run of parts.
package struct PartPage: Sendable {
    package let parts: [PartRecord]
    package let isTruncated: Bool
}

extension PartRecord {
    /// From an entry of the `uploads` family.
    fileprivate init(key: [UInt8], value: [UInt8]) throws(EngineError) {
        guard key.count == 27, let number = try? PartNumber(Int(key[25]) << 8 | Int(key[26])) else {
            throw .damaged(.key(family: "uploads"))
        }
        self = try decoding(.uploads) { () throws(RecordError) in try PartRecord(number: number, decoding: value) }
    }
}

private struct CreateUpload: Change {
    let key: ObjectKey
    let bucket: BucketRecord
    let attributes: ObjectAttributes
    let checksumAlgorithm: ChecksumAlgorithm?
    let checksumType: ChecksumType?
    let salt: UInt64

    func apply(to draft: inout CommitDraft) throws(EngineError) -> UploadRecord {
        try draft.require(bucket)
        let sequence = draft.nextSequence()
        // Rising, so that uploads of a key are listed in the order they began; salted, so that none can be guessed.
        let upload = UploadRecord(
            id: UploadID(bytes: StoreKey.number(sequence) + StoreKey.number(salt)), bucket: bucket, key: key,
            attributes: attributes, createdMilliseconds: draft.timeMilliseconds, checksumAlgorithm: checksumAlgorithm,
            checksumType: checksumType)
        try draft.put(UploadLocation(upload).storeKey, upload.encoded, in: .uploads)
        try draft.put(StoreKey.uploadChange(upload.id, in: bucket.id), StoreKey.number(sequence), in: .uploads)
        return upload
    }
}

private struct PutPart: Change {
    let number: PartNumber
    let upload: UploadRecord
    let blob: FinishedBlob
    let etag: ETag
    let checksums: [Checksum]

    func apply(to draft: inout CommitDraft) throws(EngineError) -> PartRecord {
        let bucket = upload.bucket.id
        try draft.require(upload.bucket)
        guard try draft.value(UploadLocation(upload).storeKey, in: .uploads) != nil else {
            throw .noSuchUpload(upload.id)
        }
        let sequence = draft.nextSequence()
        let key = StoreKey.part(number, of: upload.id, in: bucket)
        let old = try draft.value(key, in: .uploads)
        try draft.adopt(blob)
        let part = PartRecord(
            number: number, sizeBytes: blob.sizeBytes, etag: etag, checksums: checksums, crc64nvme: blob.crc,
            modifiedMilliseconds: draft.timeMilliseconds, extents: blob.extents)
        try draft.put(key, part.encoded, in: .uploads)
        try draft.put(StoreKey.uploadChange(upload.id, in: bucket), StoreKey.number(sequence), in: .uploads)
        if let old {
            let replaced = try decoding(.uploads) { () throws(RecordError) in
                try PartRecord(number: number, decoding: old)
            }
            try draft.release(replaced.extents, sequence: sequence)
        }
        return part
    }
}

/// Removes an upload and its parts, whether or not its bucket still exists.
struct DropUpload: Change {
    let location: UploadLocation

    /// - Returns: whether it was there.
    func apply(to draft: inout CommitDraft) throws(EngineError) -> Bool {
        guard try draft.value(location.storeKey, in: .uploads) != nil else { return false }
        let sequence = draft.nextSequence()
        for part in try draft.takeParts(of: location) { try draft.release(part.extents, sequence: sequence) }
        return true
    }
}

extension CommitDraft {
    /// Removes every trace of an upload but the blobs of its parts, which the caller keeps or releases.
    mutating func takeParts(of location: UploadLocation) throws(EngineError) -> [PartRecord] {
        let prefix = StoreKey.parts(of: location.id, in: location.bucket)
        let parts = try entries(withPrefix: prefix, in: .uploads)
        var records: [PartRecord] = []
        for (key, value) in parts {
            records.append(try PartRecord(key: key, value: value))
            try delete(key, in: .uploads)
        }
        try delete(location.storeKey, in: .uploads)
        try delete(StoreKey.uploadChange(location.id, in: location.bucket), in: .uploads)
        return records
    }
}
