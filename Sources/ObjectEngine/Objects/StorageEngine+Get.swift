import RocksKit
package import S3Types

extension StorageEngine {
    /// The record of an object, without a claim on its bytes.
    package func head(_ key: ObjectKey, in bucket: BucketRecord) throws(EngineError) -> ObjectRecord {
        try requireCurrent(bucket)
        guard let record = try record(of: key, in: bucket) else { throw .noSuchKey(key) }
        return record
    }

    /// Opens an object for reading. Whatever happens to the key from then on, the handle reads these bytes.
    package func object(_ key: ObjectKey, in bucket: BucketRecord) throws(EngineError) -> ObjectHandle {
        try requireCurrent(bucket)
        // Each further round means that the object was replaced in between: somebody else has made progress.
        while true {
            guard let record = try record(of: key, in: bucket) else { throw .noSuchKey(key) }
            switch record.body {
            case .empty:
                return handle(key, record)
            case .inline(let id):
                guard let bytes = try inlineBytes(id) else {
                    // Gone with the record that named it; if that record stands, something is wrong.
                    guard try self.record(of: key, in: bucket)?.sequence == record.sequence else { continue }
                    throw .damaged(.inline(id: id))
                }
                guard UInt64(bytes.count) == record.sizeBytes else { throw .damaged(.inline(id: id)) }
                return handle(key, record, bytes)
            case .extents(let extents):
                leases.take(extents)
                // From here on the handle owns the lease.
                let handle = handle(key, record)
                guard try self.record(of: key, in: bucket)?.sequence == record.sequence else { continue }
                return handle
            }
        }
    }

    private func handle(_ key: ObjectKey, _ record: ObjectRecord, _ inlineBytes: [UInt8] = []) -> ObjectHandle {
        ObjectHandle(key: key, record: record, inlineBytes: inlineBytes, sink: sink, leases: leases)
    }

    func requireCurrent(_ bucket: BucketRecord) throws(EngineError) {
        guard bucketTable[bucket.name]?.id == bucket.id else { throw .noSuchBucket(bucket.name) }
    }

    private func record(of key: ObjectKey, in bucket: BucketRecord) throws(EngineError) -> ObjectRecord? {
        guard let bytes = try value(StoreKey.object(key, in: bucket.id), in: .objects) else { return nil }
        return try decoding(.objects) { () throws(RecordError) in try ObjectRecord(decoding: bytes) }
    }

    private func inlineBytes(_ id: UInt64) throws(EngineError) -> [UInt8]? {
        try value(StoreKey.inline(id), in: .inline)
    }

    func value(_ key: [UInt8], in family: Family) throws(EngineError) -> [UInt8]? {
        try storing { () throws(RocksError) in try database.value(key, in: family.rawValue)?.copied() }
    }
}
