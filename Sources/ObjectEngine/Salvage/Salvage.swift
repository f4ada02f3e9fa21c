import DurableFiles
import RocksKit
import S3Types

/// Writes what can be had of a damaged store into a new directory and states what is lost.
///
/// An object is carried over when its record and every byte of its body can be read and the body is that of its CRC64NVME;
/// uploads likewise. The feed is not: the new store has an epoch of its own, so that followers list again.
package struct Salvage {
    private let source: SalvageSource
    private var target: SalvageTarget
    private var report = SalvageReport()
    private var buckets: [BucketID: BucketRecord] = [:]
    /// Objects that were carried over or told of.
    private var settled: [BucketID: Set<ObjectKey>] = [:]
    private var highestSequence: UInt64 = 0

    /// - Throws: when the source cannot be read at all, is in use or of another format, or the target is not new or cannot be
    ///   written. The source is as it was; what was made of the target is no store, and says so.
    package static func run(from source: String, to target: String) throws(EngineError) -> SalvageReport {
        let disk = SystemDisk()
        let layout = StoreLayout(source)
        let state = try filing { () throws(FileError) in try layout.state(disk) }
        guard state != .unfinishedSalvage else { throw .damaged(.unfinishedSalvage(directory: source)) }
        guard state == .complete || state == .unfinished else {
            throw .damaged(.file(DirectoryFault(source, StoreLayout.databaseName, "missing: there is no store here")))
        }
        let lock = try StoreOpening.lock(source)
        defer { withExtendedLifetime(lock) {} }
        var inspection = DirectoryInspection(layout, disk: disk)
        inspection.run()
        if let format = inspection.foreignFormat {
            throw .unsupportedFormat(found: format, supported: Recovery.format)
        }
        let targetState = try filing { () throws(FileError) in try StoreLayout(target).state(disk) }
        guard targetState != .unfinishedSalvage else { throw .damaged(.unfinishedSalvage(directory: target)) }
        guard targetState == .new else {
            throw .damaged(.file(DirectoryFault(target, ".", "is not empty: a salvage writes into a new directory")))
        }
        let opening = try StoreOpening(target, disk: disk, isSalvage: true)
        let view = opening.layout.view
        var salvage = Salvage(
            source: try SalvageSource(layout, view: view, without: inspection.unreadableFiles, disk: disk),
            target: try SalvageTarget(opening, disk: disk))
        salvage.report.tornTail = inspection.tornTail
        salvage.report.losses = inspection.faults.map { .damage($0) }
        try salvage.carryOver(inspection)
        try filing { () throws(FileError) in try SalvageSource.remove(view, disk: disk) }
        return salvage.report
    }

    private init(source: SalvageSource, target: SalvageTarget) {
        self.source = source
        self.target = target
    }

    private mutating func carryOver(_ inspection: DirectoryInspection) throws(EngineError) {
        for family in Family.allCases where source.families[family] == nil {
            report.losses.append(.family("\(family)"))
        }
        try walk(.buckets) { salvage, key, value throws(EngineError) in try salvage.take(bucket: key, value) }
        try walk(.objects) { salvage, key, value throws(EngineError) in try salvage.take(object: key, value) }
        try walk(.uploads) { salvage, key, value throws(EngineError) in try salvage.take(upload: key, value) }
        try tellOfLostObjects()
        let mark =
            inspection.facts.mark
            ?? (try? source.value(StoreKey.mark, in: .system))
            .flatMap { bytes in bytes.flatMap { try? CommitMark(decoding: $0) } }
        report.sequence = max(highestSequence, mark?.sequence ?? 0)
        let acknowledged = inspection.bound?.sequence
        if let acknowledged, acknowledged > report.sequence {
            report.losses.append(.commits(after: report.sequence, through: acknowledged))
        } else if acknowledged == nil {
            report.losses.append(.unknownCommits(after: report.sequence))
        }
        let sequence = max(report.sequence, acknowledged ?? 0)
        for bucket in buckets.keys {
            try target.put(StoreKey.feedFloor(bucket), StoreKey.number(sequence + 1), in: .system)
        }
        try target.finish(
            sequence: sequence, nextBlob: mark?.nextBlob ?? 1, epoch: UInt64.random(in: .min ... .max))
    }

    private mutating func walk(
        _ family: Family, _ take: (inout Salvage, [UInt8], [UInt8]) throws(EngineError) -> Void
    ) throws(EngineError) {
        var failure: EngineError?
        let gaps = source.walk(family) { key, value in
            guard failure == nil else { return }
            do throws(EngineError) { try take(&self, key, value) } catch { failure = error }
        }
        if let failure { throw failure }
        report.losses += gaps.map { .keys(family: "\(family)", after: $0.after, before: $0.before) }
    }

    private mutating func take(bucket key: [UInt8], _ value: [UInt8]) throws(EngineError) {
        guard let name = BucketName(storedKey: key) else {
            return report.losses.append(.record(.key(family: "buckets")))
        }
        do throws(RecordError) {
            let record = try BucketRecord(name: name, decoding: value)
            buckets[record.id] = record
            highestSequence = max(highestSequence, record.sequence)
        } catch {
            return report.losses.append(.record(.record(family: "buckets", cause: error)))
        }
        report.bucketCount += 1
        try target.put(key, value, in: .buckets)
    }

    private mutating func take(object key: [UInt8], _ value: [UInt8]) throws(EngineError) {
        guard let number = StoreKey.number(at: 0, in: key), let text = StoreKey.unescaped(key, from: 8)?.text,
            let objectKey = try? ObjectKey(bytes: text)
        else { return report.losses.append(.record(.key(family: "objects"))) }
        guard let bucket = buckets[BucketID(number)] else {
            return report.losses.append(.record(.key(family: "objects")))
        }
        settled[bucket.id, default: []].insert(objectKey)
        let record: ObjectRecord
        do throws(RecordError) { record = try ObjectRecord(decoding: value) } catch {
            return report.losses.append(.object(bucket: bucket.name, key: objectKey, reason: "its record: \(error)"))
        }
        highestSequence = max(highestSequence, record.sequence)
        let body = SalvageBody(source: source)
        if let reason = body.damage(of: record) {
            return report.losses.append(.object(bucket: bucket.name, key: objectKey, reason: reason))
        }
        try target.adopt(record.body.extents, from: source)
        if case .inline(let id) = record.body {
            let found = try storing { () throws(RocksError) in try source.value(StoreKey.inline(id), in: .inline) }
            try target.put(StoreKey.inline(id), found ?? [], in: .inline)
        }
        try target.put(key, value, in: .objects)
        report.objectCount += 1
        report.sizeBytes += record.sizeBytes
    }

    private mutating func take(upload key: [UInt8], _ value: [UInt8]) throws(EngineError) {
        // Uploads of a deleted bucket were on their way out.
        guard key.count > 9, let number = StoreKey.number(at: 0, in: key), buckets[BucketID(number)] != nil else {
            return
        }
        switch key[8] {
        case 2:
            guard key.count == 27, let part = try? PartNumber(Int(key[25]) << 8 | Int(key[26])) else {
                return report.losses.append(.record(.key(family: "uploads")))
            }
            let name = "\(hexadecimal(Array(key[9..<25]))) part \(part.value)"
            let record: PartRecord
            do throws(RecordError) { record = try PartRecord(number: part, decoding: value) } catch {
                return report.losses.append(.upload(name, reason: "its record: \(error)"))
            }
            if let reason = SalvageBody(source: source).damage(of: record.extents, crc64nvme: record.crc64nvme) {
                return report.losses.append(.upload(name, reason: reason))
            }
            try target.adopt(record.extents, from: source)
        case 1: report.uploadCount += 1
        case 3: highestSequence = max(highestSequence, StoreKey.number(at: 0, in: value) ?? 0)
        default: return report.losses.append(.record(.key(family: "uploads")))
        }
        try target.put(key, value, in: .uploads)
    }

    /// The feed names objects whose records could not be read.
    private mutating func tellOfLostObjects() throws(EngineError) {
        var last: [BucketID: [ObjectKey: FeedEvent]] = [:]
        try walk(.feed) { salvage, key, value throws(EngineError) in
            guard key.count == 16, let number = StoreKey.number(at: 0, in: key),
                let sequence = StoreKey.number(at: 8, in: key)
            else { return salvage.report.losses.append(.record(.key(family: "feed"))) }
            salvage.highestSequence = max(salvage.highestSequence, sequence)
            do throws(RecordError) {
                let event = try FeedEvent(cursor: FeedCursor(epoch: 0, sequence: sequence), decoding: value)
                last[BucketID(number), default: [:]][event.key] = event
            } catch {
                salvage.report.losses.append(.record(.record(family: "feed", cause: error)))
            }
        }
        for (id, events) in last.sorted(by: { $0.key < $1.key }) {
            guard let bucket = buckets[id] else { continue }
            for (key, event) in events.sorted(by: { $0.value.cursor.sequence < $1.value.cursor.sequence })
            where event.kind != .removedDelete && settled[id]?.contains(key) != true {
                report.losses.append(
                    .object(
                        bucket: bucket.name, key: key,
                        reason: "commit \(event.cursor.sequence) wrote it, and its record is not there"))
            }
        }
    }
}
