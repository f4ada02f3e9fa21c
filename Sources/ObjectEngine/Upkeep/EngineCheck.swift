import RocksKit
import S3Types

extension StorageEngine {
    /// Walks every record and every blob and compares them with each other.
    ///
    /// To be called while nothing is written; what is written meanwhile may show as a problem that is none.
    ///
    /// - Parameter readsBodies: also reads every object and holds it to its CRC64NVME.
    package func check(readsBodies: Bool) throws(EngineError) -> CheckReport {
        let bounds = ids.bounds
        let mark = CommitMark(sequence: feed.published, blobFloor: bounds.floor, nextBlob: bounds.next)
        var check = EngineCheck(sink: sink, buckets: buckets(), mark: mark, readsBodies: readsBodies)
        check.run()
        return check.report
    }
}

/// Compares the records of an open database with each other.
struct EngineCheck {
    let sink: BlobSink
    let buckets: [BucketID: BucketRecord]
    let mark: CommitMark
    let readsBodies: Bool
    var report = CheckReport()
    private var named: [BlobID: UInt64] = [:]
    private var namedInline: Set<UInt64> = []
    private var awaited: Set<BlobID> = []
    private var awaitedBuckets: Set<BucketID> = []

    init(sink: BlobSink, buckets: [BucketRecord], mark: CommitMark, readsBodies: Bool) {
        self.sink = sink
        self.buckets = Dictionary(buckets.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.mark = mark
        self.readsBodies = readsBodies
    }

    mutating func run() {
        for bucket in buckets.keys { hold(bucket.value, of: "buckets") }
        walk(.reclaim) { check, _, value in check.see(journal: value) }
        walk(.objects) { check, key, value in check.see(object: key, value) }
        walk(.uploads) { check, key, value in check.see(upload: key, value) }
        for id in named.keys where id.value >= mark.nextBlob { report.problems.append(.blob(id, next: mark.nextBlob)) }
        let isWhole = walk(.references) { check, key, value in check.see(count: key, value) }
        if isWhole {
            for (id, count) in named { report.problems.append(.references(id, named: count, counted: 0)) }
        }
        for family in [Family.blob, .part] { see(blobsOf: family) }
        walk(.inline) { check, key, _ in check.see(inline: key) }
        var feed = FeedCheck(database: sink.database, buckets: buckets, awaited: awaitedBuckets, mark: mark)
        feed.run()
        report.eventCount = feed.eventCount
        report.problems += feed.problems
    }

    /// - Returns: whether the walk came to the end of the family.
    @discardableResult
    private mutating func walk(_ family: Family, _ visit: (inout EngineCheck, [UInt8], [UInt8]) -> Void) -> Bool {
        var cursor = Cursor(sink.database, family: family.rawValue, lower: [], upper: nil, fillsCache: false)
        do throws(RocksError) {
            try cursor.seek([])
            while cursor.isValid {
                visit(&self, cursor.key, cursor.value)
                try cursor.next()
            }
            return true
        } catch {
            report.problems.append(.unreadable(family: "\(family)", message: error.message))
            return false
        }
    }

    private mutating func hold(_ sequence: UInt64, of family: String) {
        guard sequence > mark.sequence else { return }
        report.problems.append(.sequence(family: family, found: sequence, last: mark.sequence))
    }

    private mutating func add(_ damage: Damage) { report.problems.append(.damage(damage)) }

    private mutating func see(journal value: [UInt8]) {
        do throws(RecordError) {
            switch try ReclaimEntry(decoding: value) {
            case .extent(let extent): awaited.insert(extent.id)
            case .bucket(let id): awaitedBuckets.insert(id)
            }
        } catch {
            add(.record(family: "reclaim", cause: error))
        }
    }

    private mutating func see(object key: [UInt8], _ value: [UInt8]) {
        report.objectCount += 1
        guard let bucket = StoreKey.number(at: 0, in: key), let text = StoreKey.unescaped(key, from: 8)?.text,
            let objectKey = try? ObjectKey(bytes: text)
        else { return add(.key(family: "objects")) }
        guard let bucket = buckets[BucketID(bucket)] else { return report.problems.append(.bucket(BucketID(bucket))) }
        do throws(RecordError) {
            let record = try ObjectRecord(decoding: value)
            hold(record.sequence, of: "objects")
            if case .inline(let id) = record.body { namedInline.insert(id) }
            for extent in record.body.extents { named[extent.id, default: 0] += 1 }
            if readsBodies, let message = sink.damage(of: record, key: objectKey) {
                report.problems.append(.body(bucket: bucket.name, key: objectKey, message: message))
            }
        } catch {
            add(.record(family: "objects", cause: error))
        }
    }

    private mutating func see(upload key: [UInt8], _ value: [UInt8]) {
        guard key.count > 9, let number = StoreKey.number(at: 0, in: key) else { return add(.key(family: "uploads")) }
        let bucket = BucketID(number)
        // Uploads of a deleted bucket go after it.
        guard buckets[bucket] != nil || awaitedBuckets.contains(bucket) else {
            return report.problems.append(.bucket(bucket))
        }
        do throws(RecordError) {
            switch key[8] {
            case 1:
                report.uploadCount += 1
                guard let location = UploadLocation(key) else { return add(.key(family: "uploads")) }
                hold(StoreKey.number(at: 0, in: bytes(hexadecimal: location.id.text) ?? []) ?? 0, of: "uploads")
                guard let record = buckets[bucket] else { return }
                _ = try UploadRecord(id: location.id, of: location.key, in: record, decoding: value)
            case 2:
                guard key.count == 27, let number = try? PartNumber(Int(key[25]) << 8 | Int(key[26])) else {
                    return add(.key(family: "uploads"))
                }
                for extent in try PartRecord(number: number, decoding: value).extents {
                    named[extent.id, default: 0] += 1
                }
            case 3:
                guard value.count == 8, let sequence = StoreKey.number(at: 0, in: value) else {
                    return add(.record(family: "uploads", cause: .truncated))
                }
                hold(sequence, of: "uploads")
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
    private mutating func see(blobsOf family: Family) {
        var next: UInt64 = 0
        var cursor = Cursor(sink.database, family: family.rawValue, lower: [], upper: nil, fillsCache: false)
        do throws(RocksError) {
            while true {
                try cursor.seek(StoreKey.blob(BlobID(next)))
                guard cursor.isValid else { return }
                guard let number = StoreKey.number(at: 0, in: cursor.key), number < .max else {
                    return add(.key(family: "\(family)"))
                }
                next = number + 1
                let id = BlobID(number)
                var isNamed = false
                if let _ = try sink.database.value(StoreKey.references(id), in: Family.references.rawValue) {
                    isNamed = true
                }
                if !isNamed, number < mark.blobFloor, !awaited.contains(id) { report.problems.append(.orphan(id)) }
            }
        } catch {
            report.problems.append(.unreadable(family: "\(family)", message: error.message))
        }
    }
}
