import Digests
import RocksKit
package import S3Types

/// What a check of a whole store found.
package struct CheckReport: Hashable, Sendable {
    package enum Problem: Hashable, Sendable {
        /// A record or key that does not decode, or a body that is not all there.
        case damage(Damage)
        /// The bytes of an object are there but are not those that were stored.
        case checksum(bucket: BucketName, key: ObjectKey)
        /// Records name a blob this often, and the count of references says that.
        case references(BlobID, named: UInt64, counted: UInt64)
        /// Bytes that nothing names and the reclaimer does not know of.
        case orphan(BlobID)
        case orphanInline(UInt64)
        /// An object or upload of a bucket that does not exist.
        case bucket(BucketID)
    }

    package var objectCount = 0
    package var uploadCount = 0
    package var blobCount = 0
    package var problems: [Problem] = []

    package init() {}

    /// How many of the problems are bytes that nothing names.
    package var orphanCount: Int {
        problems.count { problem in
            switch problem {
            case .orphan, .orphanInline: true
            default: false
            }
        }
    }
}

extension StorageEngine {
    /// Walks every record and every blob and compares them with each other.
    ///
    /// To be called while nothing is written; what is written meanwhile may show as a problem that is none.
    ///
    /// - Parameter readsBodies: also reads every object and holds it to its CRC64NVME.
    package func check(readsBodies: Bool) throws(EngineError) -> CheckReport {
        var check = EngineCheck(engine: self, readsBodies: readsBodies)
        return try check.run()
    }
}

private struct EngineCheck {
    let engine: StorageEngine
    let readsBodies: Bool
    var report = CheckReport()
    var named: [BlobID: UInt64] = [:]
    var namedInline: Set<UInt64> = []
    var awaited: Set<BlobID> = []

    init(engine: StorageEngine, readsBodies: Bool) {
        self.engine = engine
        self.readsBodies = readsBodies
    }

    mutating func run() throws(EngineError) -> CheckReport {
        let buckets = Dictionary(uniqueKeysWithValues: engine.buckets().map { ($0.id, $0) })
        try walk(.reclaim) { check, _, value in check.see(journal: value) }
        try walk(.objects) { check, key, value in check.see(object: key, value, of: buckets) }
        try walk(.uploads) { check, key, value in check.see(upload: key, value, of: buckets) }
        try walk(.references) { check, key, value in check.see(count: key, value) }
        for (id, count) in named { report.problems.append(.references(id, named: count, counted: 0)) }
        for family in [Family.blob, .part] { try see(blobsOf: family) }
        try walk(.inline) { check, key, _ in check.see(inline: key) }
        return report
    }

    private mutating func walk(
        _ family: Family, _ visit: (inout EngineCheck, [UInt8], [UInt8]) -> Void
    ) throws(EngineError) {
        var cursor = Cursor(engine.database, family: family.rawValue, lower: [], upper: nil, fillsCache: false)
        try storing { () throws(RocksError) in try cursor.seek([]) }
        while cursor.isValid {
            visit(&self, cursor.key, cursor.value)
            try storing { () throws(RocksError) in try cursor.next() }
        }
    }

    private mutating func add(_ damage: Damage) { report.problems.append(.damage(damage)) }

    private mutating func see(journal value: [UInt8]) {
        do throws(RecordError) {
            if case .extent(let extent) = try ReclaimEntry(decoding: value) { awaited.insert(extent.id) }
        } catch {
            add(.record(family: "reclaim", cause: error))
        }
    }

    private mutating func see(object key: [UInt8], _ value: [UInt8], of buckets: [BucketID: BucketRecord]) {
        report.objectCount += 1
        guard let bucket = StoreKey.number(at: 0, in: key), let text = StoreKey.unescaped(key, from: 8)?.text,
            let objectKey = try? ObjectKey(bytes: text)
        else { return add(.key(family: "objects")) }
        guard let bucket = buckets[BucketID(bucket)] else { return report.problems.append(.bucket(BucketID(bucket))) }
        do throws(RecordError) {
            let record = try ObjectRecord(decoding: value)
            if case .inline(let id) = record.body { namedInline.insert(id) }
            for extent in record.body.extents { named[extent.id, default: 0] += 1 }
        } catch {
            return add(.record(family: "objects", cause: error))
        }
        if readsBodies { read(objectKey, in: bucket) }
    }

    private mutating func read(_ key: ObjectKey, in bucket: BucketRecord) {
        do throws(EngineError) {
            let handle = try engine.object(key, in: bucket)
            var crc = CRC.crc64nvme.empty
            var reader = handle.reader
            while let chunk = try reader.next() {
                crc = chunk.withBytes { CRC.crc64nvme.update(crc, $0) }
            }
            if crc != handle.record.crc64nvme {
                report.problems.append(.checksum(bucket: bucket.name, key: key))
            }
        } catch {
            switch error {
            case .damaged(let damage): add(damage)
            default: report.problems.append(.checksum(bucket: bucket.name, key: key))
            }
        }
    }

    private mutating func see(upload key: [UInt8], _ value: [UInt8], of buckets: [BucketID: BucketRecord]) {
        guard key.count > 9, let number = StoreKey.number(at: 0, in: key) else { return add(.key(family: "uploads")) }
        let bucket = BucketID(number)
        do throws(RecordError) {
            switch key[8] {
            case 1:
                report.uploadCount += 1
                guard let location = UploadLocation(key) else { return add(.key(family: "uploads")) }
                guard let record = buckets[bucket] else { return report.problems.append(.bucket(bucket)) }
                _ = try UploadRecord(id: location.id, of: location.key, in: record, decoding: value)
            case 2:
                guard key.count == 27, let number = try? PartNumber(Int(key[25]) << 8 | Int(key[26])) else {
                    return add(.key(family: "uploads"))
                }
                for extent in try PartRecord(number: number, decoding: value).extents {
                    named[extent.id, default: 0] += 1
                }
            case 3:
                guard value.count == 8 else { return add(.record(family: "uploads", cause: .truncated)) }
            default:
                add(.key(family: "uploads"))
            }
        } catch {
            add(.record(family: "uploads", cause: error))
        }
    }

    /// Crosses a count off against what the records name.
    private mutating func see(count key: [UInt8], _ value: [UInt8]) {
        guard key.count == 8, let number = StoreKey.number(at: 0, in: key), value.count == 8,
            let count = StoreKey.number(at: 0, in: value)
        else { return add(.key(family: "references")) }
        let id = BlobID(number)
        report.blobCount += 1
        let found = named.removeValue(forKey: id) ?? 0
        if found != count { report.problems.append(.references(id, named: found, counted: count)) }
    }

    private mutating func see(inline key: [UInt8]) {
        guard key.count == 8, let id = StoreKey.number(at: 0, in: key) else { return add(.key(family: "inline")) }
        if !namedInline.contains(id) { report.problems.append(.orphanInline(id)) }
    }

    /// One seek a blob.
    private mutating func see(blobsOf family: Family) throws(EngineError) {
        let floor = engine.ids.bounds.floor
        var next: UInt64 = 0
        var cursor = Cursor(engine.database, family: family.rawValue, lower: [], upper: nil, fillsCache: false)
        while true {
            let start = StoreKey.blob(BlobID(next))
            try storing { () throws(RocksError) in try cursor.seek(start) }
            guard cursor.isValid else { return }
            guard let number = StoreKey.number(at: 0, in: cursor.key), number < .max else {
                return add(.key(family: "\(family)"))
            }
            next = number + 1
            let id = BlobID(number)
            let isNamed = try engine.value(StoreKey.references(id), in: .references) != nil
            if !isNamed, number < floor, !awaited.contains(id) { report.problems.append(.orphan(id)) }
        }
    }
}
