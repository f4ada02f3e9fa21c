import Foundation
import PropertyTesting
import S3Types
import Testing

@testable import ObjectEngine

@Suite(.timeLimit(.minutes(3))) struct RecordTests {
    private let object = ObjectRecord(
        sequence: 7, modifiedMilliseconds: 1_700_000_000_123, sizeBytes: 5 << 20 | 3, etag: ETag(md5: Array(0..<16)),
        crc64nvme: 0x0123_4567_89AB_CDEF,
        checksums: [
            Checksum(.crc32, bytes: [1, 2, 3, 4]),
            Checksum(composite: .sha256, bytes: Array(repeating: 9, count: 32), partCount: 2),
        ],
        attributes: alice, parts: [PartSize(number: 1, sizeBytes: 5 << 20), PartSize(number: 300, sizeBytes: 3)],
        body: .extents([
            Extent(kind: .part, id: BlobID(1 << 40), sizeBytes: 5 << 20, chunkBytes: 1 << 20),
            Extent(kind: .blob, id: BlobID(3), sizeBytes: 3, chunkBytes: 256 << 10),
        ]))

    private let inline = ObjectRecord(
        sequence: .max, isNullVersion: false, modifiedMilliseconds: -1, sizeBytes: 0, etag: ETag(md5: Array(0..<16)),
        crc64nvme: 0,
        checksums: [], attributes: ObjectAttributes(owner: ""), parts: [], body: .empty)

    /// A record's name, its bytes, and what reading bytes and writing them again gives.
    private var kinds: [(name: String, bytes: [UInt8], again: ([UInt8]) throws -> [UInt8])] {
        let bucket = BucketRecord(
            id: BucketID(9), name: bucketName(), owner: "alice", tenant: "t", region: "eu", createdMilliseconds: 5)
        let id = UploadID(bytes: Array(0..<16))
        let upload = UploadRecord(
            id: id, bucket: bucket, key: key("k"), attributes: alice, createdMilliseconds: 8,
            checksumAlgorithm: .crc32c,
            checksumType: .composite)
        let part = PartRecord(
            number: partNumber(3), sizeBytes: 3, etag: ETag(md5: Array(0..<16)), checksums: object.checksums,
            crc64nvme: 4,
            modifiedMilliseconds: 5, extents: [object.body.extents[1]])
        let cursor = FeedCursor(epoch: 1, sequence: 2)
        let event = FeedEvent(
            cursor: cursor, kind: .createdCopy, key: key("k\u{0}"), sizeBytes: 10, etag: object.etag,
            timeMilliseconds: 3, owner: "alice")
        return [
            ("object", object.encoded, { try ObjectRecord(decoding: $0).encoded }),
            ("empty-object", inline.encoded, { try ObjectRecord(decoding: $0).encoded }),
            ("bucket", bucket.encoded, { try BucketRecord(name: bucketName(), decoding: $0).encoded }),
            ("upload", upload.encoded, { try UploadRecord(id: id, of: key("k"), in: bucket, decoding: $0).encoded }),
            ("part", part.encoded, { try PartRecord(number: partNumber(3), decoding: $0).encoded }),
            ("event", event.encoded, { try FeedEvent(cursor: cursor, decoding: $0).encoded }),
            (
                "mark", CommitMark(sequence: 1, blobFloor: 2, nextBlob: 3).encoded,
                { try CommitMark(decoding: $0).encoded }
            ),
            (
                "extent-entry", ReclaimEntry.extent(object.body.extents[0]).encoded,
                { try ReclaimEntry(decoding: $0).encoded }
            ),
            ("bucket-entry", ReclaimEntry.bucket(BucketID(4)).encoded, { try ReclaimEntry(decoding: $0).encoded }),
        ]
    }

    @Test func everyRecordReadsBackAsItWasWritten() throws {
        #expect(try ObjectRecord(decoding: object.encoded) == object)
        for kind in kinds { #expect(try kind.again(kind.bytes) == kind.bytes, "\(kind.name)") }
    }

    /// The vectors come from the documents of the format, by other code.
    @Test func recordsAndKeysAreThoseOfTheDocuments() throws {
        let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/StoreRecords/"
        var vectors: [String: [UInt8]] = [:]
        for line in try String(contentsOfFile: folder + "records.txt", encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            vectors[String(words[0])] = S3Types.bytes(hexadecimal: words[1])
        }
        let bucket = BucketID(1)
        let id = UploadID(bytes: Array(0..<16))
        var made = Dictionary(uniqueKeysWithValues: kinds.map { ($0.name, $0.bytes) })
        made["key/object"] = StoreKey.object(key("a\u{0}b"), in: bucket)
        made["key/chunk"] = StoreKey.chunk(0x0102_0304, of: BlobID(0x1122_3344_5566_7788))
        made["key/upload"] = StoreKey.upload(id, of: key("a\u{0}b"), in: bucket)
        made["key/part"] = StoreKey.part(partNumber(300), of: id, in: bucket)
        made["key/change"] = StoreKey.uploadChange(id, in: bucket)
        made["key/event"] = StoreKey.event(2, in: bucket)
        made["key/reclaim"] = StoreKey.reclaim(sequence: 7, index: 2)
        made["key/floor"] = StoreKey.feedFloor(bucket)
        #expect(made.keys.sorted() == vectors.keys.sorted())
        for (name, bytes) in vectors { #expect(made[name] == bytes, "\(name)") }
    }

    @Test func truncatedRecordsAndTrailingBytesAreRefused() {
        for kind in kinds {
            for length in 0..<kind.bytes.count {
                #expect(throws: RecordError.self, "\(kind.name) cut to \(length)") {
                    try kind.again(Array(kind.bytes.prefix(length)))
                }
            }
            #expect(throws: RecordError.self) { try kind.again(kind.bytes + [0]) }
            #expect(throws: RecordError.unknownVersion(200)) { try kind.again([200] + kind.bytes.dropFirst()) }
        }
    }

    /// What still decodes must be the one way of writing what it says: nothing is guessed at.
    @Test func corruptedRecordsNeverCrashAndNeverDecodeLoosely() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for kind in kinds {
            for _ in 0..<3000 {
                var bytes = kind.bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                        in: .min ... .max, using: &random)
                }
                guard let again = try? kind.again(bytes) else { continue }
                #expect(again == bytes, "seed \(seed): \(kind.name)")
            }
            for _ in 0..<1000 {
                let noise =
                    [bytesVersion]
                    + (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                        UInt8.random(in: .min ... .max, using: &random)
                    }
                _ = try? kind.again(noise)
            }
        }
    }

    private let bytesVersion: UInt8 = 1

    @Test func hugeCountsAreRefusedBeforeAnythingIsAllocated() {
        // An object record whose checksum count claims 2^63 entries.
        var bytes = Array(object.encoded.prefix(1 + 8 + 1 + 8))
        bytes +=
            [0] + Array(repeating: 0, count: 8) + [1, 0x61] + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        #expect(throws: RecordError.truncated) { try ObjectRecord(decoding: bytes) }
        // A varint of more than 64 bits, and one longer than it needs to be.
        #expect(throws: RecordError.invalid(field: "varint")) {
            var reader = try ByteReader([1] + Array(repeating: 0xFF, count: 9) + [0x7F], version: 1)
            _ = try reader.varint()
        }
        #expect(throws: RecordError.invalid(field: "varint")) {
            var reader = try ByteReader([1, 0x80, 0], version: 1)
            _ = try reader.varint()
        }
    }
}

@Suite(.timeLimit(.minutes(3))) struct StoreKeyTests {
    private let texts = [
        "", "\u{0}", "\u{0}\u{0}", "\u{0}\u{1}", "a", "a\u{0}", "a\u{0}b", "a\u{1}", "ab", "b", "é", "\u{10FFFF}",
    ]

    @Test func escapedKeysKeepTheOrderOfThePlainOnesAndReadBack() {
        let bucket = BucketID(5)
        for left in texts {
            let escaped = StoreKey.object(prefix: left.utf8, in: bucket)
            #expect(StoreKey.unescaped(escaped, from: 8)?.text == Array(left.utf8))
            let upload = StoreKey.uploads(of: left.utf8, in: bucket)
            #expect(StoreKey.unescaped(upload + [7, 7], from: 9)?.end == upload.count)
            for right in texts {
                let isBelow = left.utf8.lexicographicallyPrecedes(right.utf8)
                #expect(escaped.lexicographicallyPrecedes(StoreKey.object(prefix: right.utf8, in: bucket)) == isBelow)
                #expect(upload.lexicographicallyPrecedes(StoreKey.uploads(of: right.utf8, in: bucket)) == isBelow)
                #expect(
                    StoreKey.object(prefix: right.utf8, in: bucket).starts(with: escaped)
                        == right.utf8.starts(with: left.utf8))
            }
        }
    }

    @Test func successorsLieAboveEverythingWithThePrefix() {
        #expect(StoreKey.successor(ofPrefix: [1, 2]) == [1, 3])
        #expect(StoreKey.successor(ofPrefix: [1, 0xFF, 0xFF]) == [2])
        #expect(StoreKey.successor(ofPrefix: [0xFF, 0xFF]) == nil)
        #expect(StoreKey.successor(ofPrefix: []) == nil)
    }

    @Test func brokenKeysAreRefused() {
        for broken in [[0], [0, 1], [97, 0], [97, 0, 7, 97]] as [[UInt8]] {
            #expect(StoreKey.unescaped(broken, from: 0) == nil)
        }
        #expect(StoreKey.unescaped([1], from: 2) == nil)
        #expect(StoreKey.number(at: 1, in: Array(repeating: 0, count: 8)) == nil)
        #expect(UploadLocation(Array(repeating: 1, count: 20)) == nil)
        #expect(UploadLocation([]) == nil)
    }

    @Test func everyFieldOfAKeyIsBigEndian() {
        #expect(
            StoreKey.chunk(0x0102_0304, of: BlobID(0x1122_3344_5566_7788)) == [
                0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 2, 3, 4,
            ])
        #expect(StoreKey.event(2, in: BucketID(1)) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2])
        #expect(StoreKey.object(key("a\u{0}b"), in: BucketID(1)) == [0, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0xFF, 0x62])
    }
}
