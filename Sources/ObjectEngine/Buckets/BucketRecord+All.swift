import RocksKit
import S3Types

extension BucketRecord {
    /// Every bucket of a database, by name.
    static func all(in database: Database) throws(EngineError) -> [BucketRecord] {
        var records: [BucketRecord] = []
        var cursor = Cursor(database, family: Family.buckets.rawValue, lower: [], upper: nil)
        try storing { () throws(RocksError) in try cursor.seek([]) }
        while cursor.isValid {
            let bytes = cursor.value
            guard let name = BucketName(storedKey: cursor.key) else { throw .damaged(.key(family: "buckets")) }
            records.append(
                try decoding(.buckets) { () throws(RecordError) in try BucketRecord(name: name, decoding: bytes) })
            try storing { () throws(RocksError) in try cursor.next() }
        }
        return records
    }
}

extension BucketName {
    /// The name under which a bucket is stored; nil for bytes that are none.
    init?(storedKey bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self), let name = try? BucketName(text) else { return nil }
        self = name
    }
}
