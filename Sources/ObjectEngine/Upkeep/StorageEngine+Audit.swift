import Digests
import RocksKit
import S3Types

extension StorageEngine {
    /// Holds the records, the reference counts and the bodies to each other.
    ///
    /// Meant for a directory that nothing else changes meanwhile. Blocks; memory grows with the number of streamed bodies, at
    /// some fifty bytes each.
    ///
    /// - Parameter readsBodies: whether every object's bytes are read and compared with the checksum of its record.
    /// - Throws: only where the database cannot be read at all; what is wrong with its content is in the report.
    package func audit(readsBodies: Bool) throws(EngineError) -> AuditReport {
        var audit = Audit(engine: self, readsBodies: readsBodies)
        return try audit.run()
    }
}

/// One walk over every family that names bodies or holds them.
private struct Audit {
    let engine: StorageEngine
    let readsBodies: Bool
    private var report = AuditReport()
    private var namedBlobs: [BlobID: UInt64] = [:]
    private var namedInline: Set<UInt64> = []

    init(engine: StorageEngine, readsBodies: Bool) {
        self.engine = engine
        self.readsBodies = readsBodies
    }

    mutating func run() throws(EngineError) -> AuditReport {
        for bucket in engine.buckets() {
            report.bucketCount += 1
            try auditObjects(of: bucket)
            try auditParts(of: bucket)
        }
        try auditReferences()
        for family in [Family.blob, .part] { try auditBodies(family) }
        try auditInline()
        return report
    }

    // MARK: Records

    private mutating func auditObjects(of bucket: BucketRecord) throws(EngineError) {
        try Self.walk(engine, .objects, prefix: StoreKey.number(bucket.id.value)) { key, value in
            report.objectCount += 1
            guard let text = StoreKey.unescaped(key, from: 8)?.text, let key = try? ObjectKey(bytes: text) else {
                return note("an object's key in \(bucket.name)")
            }
            guard let record = try? ObjectRecord(decoding: value) else { return note("the record of \(bucket.name)/\(key)") }
            report.recordedBytes += record.sizeBytes
            switch record.body {
            case .empty: break
            case .inline(let id): namedInline.insert(id)
            case .extents(let extents): for extent in extents { namedBlobs[extent.id, default: 0] += 1 }
            }
            if readsBodies { readBody(of: key, in: bucket, record) }
        }
    }

    private mutating func auditParts(of bucket: BucketRecord) throws(EngineError) {
        try Self.walk(engine, .uploads, prefix: StoreKey.number(bucket.id.value) + [2]) { key, value in
            report.uploadPartCount += 1
            // Bucket id, tag, upload id of 16 bytes, part number of two.
            guard key.count == 27, let number = try? PartNumber(Int(key[25]) << 8 | Int(key[26])),
                let record = try? PartRecord(number: number, decoding: value)
            else { return note("the record of an uploaded part in \(bucket.name)") }
            report.recordedBytes += record.sizeBytes
            for extent in record.extents { namedBlobs[extent.id, default: 0] += 1 }
        }
    }

    private mutating func readBody(of key: ObjectKey, in bucket: BucketRecord, _ record: ObjectRecord) {
        do throws(EngineError) {
            let handle = try engine.object(key, in: bucket)
            var reader = handle.reader
            var value = CRC.crc64nvme.empty
            while let chunk = try reader.next() {
                value = chunk.withBytes { CRC.crc64nvme.update(value, $0) }
            }
            if value != handle.record.crc64nvme { note("the bytes of \(bucket.name)/\(key)") }
        } catch {
            note("\(bucket.name)/\(key): \(error)")
        }
    }

    // MARK: Bodies

    private mutating func auditReferences() throws(EngineError) {
        var missing = namedBlobs
        try Self.walk(engine, .references, prefix: []) { key, value in
            guard let id = StoreKey.number(at: 0, in: key), let count = StoreKey.number(at: 0, in: value) else {
                return note("a reference count")
            }
            if missing.removeValue(forKey: BlobID(id)) != count { report.miscountedCount += 1 }
        }
        report.miscountedCount += missing.count
    }

    /// One seek a body.
    private mutating func auditBodies(_ family: Family) throws(EngineError) {
        var cursor = Cursor(engine.database, family: family.rawValue, lower: [], upper: nil, fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek([]) }
        while cursor.isValid {
            guard let id = StoreKey.number(at: 0, in: cursor.key), id < .max else { throw .damaged(.key(family: "\(family)")) }
            if namedBlobs[BlobID(id)] == nil { report.orphanCount += 1 }
            try storing { () throws(RocksError) in try cursor.seek(StoreKey.blob(BlobID(id + 1))) }
        }
    }

    private mutating func auditInline() throws(EngineError) {
        var missing = namedInline
        try Self.walk(engine, .inline, prefix: []) { key, _ in
            guard let id = StoreKey.number(at: 0, in: key) else { return note("the key of a small body") }
            if missing.remove(id) == nil, !namedInline.contains(id) { report.orphanCount += 1 }
        }
        for id in missing { note("the small body \(id) is missing") }
    }

    // MARK: Steps

    /// Static, so that a visit may change the audit.
    private static func walk(
        _ engine: StorageEngine, _ family: Family, prefix: [UInt8], _ visit: (_ key: [UInt8], _ value: [UInt8]) -> Void
    ) throws(EngineError) {
        var cursor = Cursor(
            engine.database, family: family.rawValue, lower: prefix, upper: StoreKey.successor(ofPrefix: prefix),
            fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek(prefix) }
        while cursor.isValid {
            visit(cursor.key, cursor.value)
            try storing { () throws(RocksError) in try cursor.next() }
        }
    }

    private mutating func note(_ damage: String) { report.damages.append(damage) }
}
