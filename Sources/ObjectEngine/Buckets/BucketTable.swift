import S3Types
import Synchronization

/// The buckets there are, in memory. Changed by the writer alone, after its batch is on the disk.
final class BucketTable: Sendable {
    private let records: Mutex<[BucketName: BucketRecord]>

    init(_ records: [BucketRecord]) {
        self.records = Mutex(Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0) }))
    }

    subscript(name: BucketName) -> BucketRecord? { records.withLock { $0[name] } }

    var all: [BucketRecord] {
        // text: names of buckets are ASCII
        records.withLock { Array($0.values) }.sorted { $0.name.text < $1.name.text }
    }

    /// Takes what is on the disk for the truth.
    func replace(with records: [BucketRecord]) {
        self.records.withLock { $0 = Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0) }) }
    }

    func apply(_ changes: [BucketName: BucketRecord?]) {
        guard !changes.isEmpty else { return }
        records.withLock { records in
            for (name, record) in changes { records[name] = record }
        }
    }
}
