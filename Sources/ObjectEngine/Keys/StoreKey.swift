import S3Types

/// The keys of every family: big-endian numbers and escaped texts, so that byte order is the order they are walked in.
enum StoreKey {
    // MARK: Buckets and objects

    static func bucket(_ name: BucketName) -> [UInt8] { Array(name.text.utf8) }

    static func object(_ key: ObjectKey, in bucket: BucketID) -> [UInt8] {
        object(prefix: key.utf8, in: bucket)
    }

    /// The keys that begin with `prefix` begin with this.
    static func object(prefix: some Sequence<UInt8>, in bucket: BucketID) -> [UInt8] {
        var bytes = number(bucket.value)
        bytes.reserveCapacity(64)
        appendEscaped(prefix, to: &bytes)
        return bytes
    }

    // MARK: Bodies

    static func inline(_ id: UInt64) -> [UInt8] { number(id) }

    static func chunk(_ index: UInt32, of blob: BlobID) -> [UInt8] {
        number(blob.value) + [
            UInt8(truncatingIfNeeded: index >> 24), UInt8(truncatingIfNeeded: index >> 16),
            UInt8(truncatingIfNeeded: index >> 8), UInt8(truncatingIfNeeded: index),
        ]
    }

    /// Below every chunk of a blob and above those of the blobs before it.
    static func blob(_ blob: BlobID) -> [UInt8] { number(blob.value) }

    static func references(_ blob: BlobID) -> [UInt8] { number(blob.value) }

    // MARK: Uploads

    private static let uploadTag: UInt8 = 1
    private static let partTag: UInt8 = 2
    private static let changeTag: UInt8 = 3

    static func upload(_ id: UploadID, of key: ObjectKey, in bucket: BucketID) -> [UInt8] {
        uploads(of: key.utf8, in: bucket) + bytes(of: id)
    }

    /// The uploads of one object key begin with this.
    static func uploads(of key: some Sequence<UInt8>, in bucket: BucketID) -> [UInt8] {
        uploads(prefix: key, in: bucket) + [0, 0]
    }

    /// The uploads of keys that begin with `prefix` begin with this.
    static func uploads(prefix: some Sequence<UInt8>, in bucket: BucketID) -> [UInt8] {
        var key = number(bucket.value) + [uploadTag]
        appendEscaped(prefix, to: &key)
        return key
    }

    static func part(_ number: PartNumber, of id: UploadID, in bucket: BucketID) -> [UInt8] {
        parts(of: id, in: bucket) + [
            UInt8(truncatingIfNeeded: number.value >> 8), UInt8(truncatingIfNeeded: number.value),
        ]
    }

    static func parts(of id: UploadID, in bucket: BucketID) -> [UInt8] {
        number(bucket.value) + [partTag] + bytes(of: id)
    }

    static func uploadChange(_ id: UploadID, in bucket: BucketID) -> [UInt8] {
        number(bucket.value) + [changeTag] + bytes(of: id)
    }

    private static func bytes(of id: UploadID) -> [UInt8] {
        // UploadID holds 32 hexadecimal digits by construction.
        S3Types.bytes(hexadecimal: id.text) ?? []
    }

    // MARK: Feed and reclaim

    static func event(_ sequence: UInt64, in bucket: BucketID) -> [UInt8] { number(bucket.value) + number(sequence) }

    static func reclaim(sequence: UInt64, index: UInt32) -> [UInt8] {
        chunk(index, of: BlobID(sequence))
    }

    // MARK: System

    static let format = Array("format".utf8)
    static let epoch = Array("epoch".utf8)
    static let mark = Array("mark".utf8)
    static let deadBlobBytes = Array("dead-blob-bytes".utf8)

    /// Where a bucket's feed begins once its oldest events have been dropped.
    static func feedFloor(_ bucket: BucketID) -> [UInt8] { Array("feed-floor/".utf8) + number(bucket.value) }

    // MARK: Parts of keys

    static func number(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(12)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
        return bytes
    }

    /// Eight big-endian bytes at an offset; nil when there are not that many.
    static func number(at offset: Int, in key: [UInt8]) -> UInt64? {
        guard key.count >= 8, offset <= key.count - 8 else { return nil }
        return key[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The first key above all that begin with these bytes; nil when there is none.
    static func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        var end = prefix
        while let last = end.popLast() {
            if last < 0xFF {
                end.append(last + 1)
                return end
            }
        }
        return nil
    }

    /// NUL becomes 00 FF, so that 00 00 can end a text inside a key and order stays that of the plain bytes.
    static func appendEscaped(_ text: some Sequence<UInt8>, to key: inout [UInt8]) {
        for byte in text {
            key.append(byte)
            if byte == 0 { key.append(0xFF) }
        }
    }

    /// The plain bytes of an escaped text that reaches to the end of `key` or to 00 00.
    ///
    /// - Returns: the text and the offset behind it (and behind its end mark), or nil for a NUL with anything else behind.
    static func unescaped(_ key: [UInt8], from start: Int) -> (text: [UInt8], end: Int)? {
        guard start <= key.count else { return nil }
        guard let firstNUL = key[start...].firstIndex(of: 0) else { return (Array(key[start...]), key.count) }
        var text = Array(key[start..<firstNUL])
        var index = firstNUL
        while index < key.count {
            let byte = key[index]
            if byte != 0 {
                text.append(byte)
                index += 1
                continue
            }
            guard index + 1 < key.count else { return nil }
            switch key[index + 1] {
            case 0xFF: text.append(0)
            case 0: return (text, index + 2)
            default: return nil
            }
            index += 2
        }
        return (text, index)
    }
}

/// A bucket for as long as it exists: the sequence of its creation. A bucket made anew has another.
package struct BucketID: Hashable, Sendable, Comparable {
    package let value: UInt64

    init(_ value: UInt64) { self.value = value }

    package static func < (left: BucketID, right: BucketID) -> Bool { left.value < right.value }
}

/// The bytes of one streamed body or part. No id that a record has ever named is given out again.
package struct BlobID: Hashable, Sendable, Comparable {
    package let value: UInt64

    init(_ value: UInt64) { self.value = value }

    package static func < (left: BlobID, right: BlobID) -> Bool { left.value < right.value }
}
