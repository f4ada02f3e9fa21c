import RocksKit
import S3Types

extension StorageEngine {
    /// How many keys of a common prefix are stepped over before the walk seeks past all of it. A seek costs about as
    /// much as ten steps.
    private static let stepsBeforeSeek = 8

    /// One page of the objects of a bucket. Costs what it returns: what a common prefix stands for is skipped.
    package func list(_ query: ListQuery, in bucket: BucketRecord) throws(EngineError) -> ListPage {
        try requireCurrent(bucket)
        var page = ListPage()
        let rollUp = RollUp(prefix: query.prefix, delimiter: query.delimiter)
        let lower = StoreKey.object(prefix: rollUp.prefix, in: bucket.id)
        guard query.limit > 0, let upper = StoreKey.successor(ofPrefix: lower) else { return page }
        guard let start = start(rollUp, after: query.startAfter, lower: lower, in: bucket) else { return page }
        var cursor = Cursor(database, family: Family.objects.rawValue, lower: lower, upper: upper)
        try storing { () throws(RocksError) in try cursor.seek(start) }
        var last = ""
        while cursor.isValid {
            guard let key = StoreKey.unescaped(cursor.key, from: 8)?.text else {
                throw .damaged(.key(family: "objects"))
            }
            if page.objects.count + page.commonPrefixes.count == query.limit {
                page.next = last
                break
            }
            if let common = rollUp.commonPrefix(of: key) {
                last = String(decoding: common, as: UTF8.self)
                page.commonPrefixes.append(last)
                guard try skip(common, in: bucket, &cursor) else { break }
            } else {
                let summary = try summary(key, cursor.value)
                last = summary.key.text
                page.objects.append(summary)
                try storing { () throws(RocksError) in try cursor.next() }
            }
        }
        return page
    }

    private func summary(_ key: [UInt8], _ value: [UInt8]) throws(EngineError) -> ObjectSummary {
        guard let text = validated(key[...]), let key = try? ObjectKey(text) else {
            throw .damaged(.key(family: "objects"))
        }
        return try decoding(.objects) { () throws(RecordError) in try ObjectSummary(key: key, decoding: value) }
    }

    /// The first key to look at; nil when nothing can come after.
    private func start(_ rollUp: RollUp, after text: String?, lower: [UInt8], in bucket: BucketRecord) -> [UInt8]? {
        guard let text else { return lower }
        switch rollUp.start(after: text) {
        case .afterKey(let key):
            return StoreKey.object(prefix: key, in: bucket.id) + [0]
        case .afterPrefix(let prefix):
            return StoreKey.successor(ofPrefix: StoreKey.object(prefix: prefix, in: bucket.id))
        }
    }

    /// Goes to the first key that does not begin with a common prefix.
    ///
    /// - Returns: false when there can be none.
    private func skip(_ common: [UInt8], in bucket: BucketRecord, _ cursor: inout Cursor) throws(EngineError) -> Bool {
        let skipped = StoreKey.object(prefix: common, in: bucket.id)
        for _ in 0..<Self.stepsBeforeSeek {
            try storing { () throws(RocksError) in try cursor.next() }
            guard cursor.isValid, cursor.key.starts(with: skipped) else { return true }
        }
        guard let end = StoreKey.successor(ofPrefix: skipped) else { return false }
        try storing { () throws(RocksError) in try cursor.seek(end) }
        return true
    }
}
