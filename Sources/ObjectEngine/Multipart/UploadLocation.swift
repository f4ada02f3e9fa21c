import S3Types

/// Which upload a key of the `uploads` family names.
struct UploadLocation: Hashable, Sendable {
    let bucket: BucketID
    let key: ObjectKey
    let id: UploadID

    init(_ upload: UploadRecord) {
        self.bucket = upload.bucket.id
        self.key = upload.key
        self.id = upload.id
    }

    init?(_ bytes: [UInt8]) {
        // Bucket, tag, escaped key, 00 00, id.
        guard bytes.count > 9 + 2 + 16, let bucket = StoreKey.number(at: 0, in: bytes),
            let (text, end) = StoreKey.unescaped(bytes, from: 9), bytes.count == end + 16,
            let key = try? ObjectKey(bytes: text)
        else { return nil }
        self.bucket = BucketID(bucket)
        self.key = key
        self.id = UploadID(bytes: Array(bytes[end...]))
    }

    var storeKey: [UInt8] { StoreKey.upload(id, of: key, in: bucket) }
}
