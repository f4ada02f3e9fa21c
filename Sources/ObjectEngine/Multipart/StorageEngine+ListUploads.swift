import RocksKit
package import S3Types

/// What is asked of a listing of uploads.
package struct UploadQuery: Hashable, Sendable {
    package var prefix: String
    package var delimiter: String
    /// Only uploads of keys after this are shown, or, with ``uploadIDMarker``, also later uploads of this key.
    package var keyMarker: String?
    package var uploadIDMarker: UploadID?
    package var limit: Int

    package init(
        prefix: String = "", delimiter: String = "", keyMarker: String? = nil, uploadIDMarker: UploadID? = nil,
        limit: Int = 1000
    ) {
        self.prefix = prefix
        self.delimiter = delimiter
        self.keyMarker = keyMarker
        self.uploadIDMarker = uploadIDMarker
        self.limit = limit
    }
}

/// A page of uploads, by key and then by age.
package struct UploadPage: Sendable {
    package struct Marker: Hashable, Sendable {
        package let key: String
        /// Nil behind a common prefix.
        package let uploadID: UploadID?
    }

    package var uploads: [UploadRecord] = []
    package var commonPrefixes: [String] = []
    /// Nil when this is the last page.
    package var next: Marker?
}

extension StorageEngine {
    /// One page of the uploads in progress.
    package func uploads(_ query: UploadQuery, in bucket: BucketRecord) throws(EngineError) -> UploadPage {
        try requireCurrent(bucket)
        var page = UploadPage()
        let rollUp = RollUp(prefix: query.prefix, delimiter: query.delimiter)
        let lower = StoreKey.uploads(prefix: rollUp.prefix, in: bucket.id)
        guard query.limit > 0, let upper = StoreKey.successor(ofPrefix: lower) else { return page }
        guard let start = start(rollUp, query, lower: lower, in: bucket) else { return page }
        var cursor = Cursor(database, family: Family.uploads.rawValue, lower: lower, upper: upper)
        try storing { () throws(RocksError) in try cursor.seek(start) }
        var last: UploadPage.Marker?
        while cursor.isValid {
            guard let location = UploadLocation(cursor.key) else { throw .damaged(.key(family: "uploads")) }
            if page.uploads.count + page.commonPrefixes.count == query.limit {
                page.next = last
                break
            }
            if let common = rollUp.commonPrefix(of: Array(location.key.utf8)) {
                let text = String(decoding: common, as: UTF8.self)
                page.commonPrefixes.append(text)
                last = UploadPage.Marker(key: text, uploadID: nil)
                guard let end = StoreKey.successor(ofPrefix: StoreKey.uploads(prefix: common, in: bucket.id)) else {
                    break
                }
                try storing { () throws(RocksError) in try cursor.seek(end) }
            } else {
                let bytes = cursor.value
                page.uploads.append(
                    try decoding(.uploads) { () throws(RecordError) in
                        try UploadRecord(id: location.id, of: location.key, in: bucket, decoding: bytes)
                    })
                last = UploadPage.Marker(key: location.key.text, uploadID: location.id)
                try storing { () throws(RocksError) in try cursor.next() }
            }
        }
        return page
    }

    private func start(_ rollUp: RollUp, _ query: UploadQuery, lower: [UInt8], in bucket: BucketRecord) -> [UInt8]? {
        guard let text = query.keyMarker else { return lower }
        switch rollUp.start(after: text) {
        case .afterPrefix(let prefix):
            return StoreKey.successor(ofPrefix: StoreKey.uploads(prefix: prefix, in: bucket.id))
        case .afterKey(let key):
            let ofKey = StoreKey.uploads(of: key, in: bucket.id)
            guard let id = query.uploadIDMarker, let idBytes = bytes(hexadecimal: id.text) else {
                return StoreKey.successor(ofPrefix: ofKey)
            }
            return ofKey + idBytes + [0]
        }
    }
}
