import Foundation
import ObjectEngine
import S3Types
import Synchronization

import struct Digests.CRC
import enum Digests.Digest

/// A directory that is removed with the fixture, and engines opened on it one after another.
final class EngineFixture: Sendable {
    let directory: String

    init() {
        self.directory = NSTemporaryDirectory() + "/lodestore-engine-" + UUID().uuidString
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    func stagedFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory + "/staging")
    }

    /// The files of the database.
    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory + "/rocksdb").map { directory + "/rocksdb/" + $0 }
    }

    func size(of file: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
    }

    /// Runs a body on the threads of an engine that is opened before and closed after it.
    func withEngine<Result: Sendable>(
        _ configure: (inout EngineConfiguration) -> Void = { _ in },
        _ body: @Sendable (StorageEngine) async throws -> Result
    ) async throws -> Result {
        var configuration = EngineConfiguration(directory: directory)
        configuration.threadCount = 4
        configuration.cacheBytes = 8 << 20
        configure(&configuration)
        let engine = try StorageEngine.open(configuration)
        do {
            let result = try await withTaskExecutorPreference(engine.executor) { try await body(engine) }
            engine.close()
            return result
        } catch {
            engine.close()
            throw error
        }
    }
}

func bucketName(_ text: String = "models") -> BucketName {
    do { return try BucketName(text) } catch { fatalError("\(error)") }
}

func key(_ text: String) -> ObjectKey {
    do { return try ObjectKey(text) } catch { fatalError("\(error)") }
}

func partNumber(_ value: Int) -> PartNumber {
    do { return try PartNumber(value) } catch { fatalError("\(error)") }
}

/// Bytes that differ everywhere and from seed to seed.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (count + 7) / 8 * 8)
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    bytes.withUnsafeMutableBytes { buffer in
        for offset in stride(from: 0, to: buffer.count, by: 8) {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            buffer.storeBytes(of: state, toByteOffset: offset, as: UInt64.self)
        }
    }
    return Array(bytes.prefix(count))
}

let alice = ObjectAttributes(
    owner: "alice", headers: [HeaderField(name: "Content-Type", value: "application/octet-stream")],
    userMetadata: [HeaderField(name: "x-amz-meta-run", value: "42")])

extension StorageEngine {
    func makeBucket(_ name: String = "models") async throws -> BucketRecord {
        try await createBucket(bucketName(name), owner: "alice", region: "us-east-1")
    }

    func blob(_ bytes: [UInt8], expected: UInt64? = nil, purpose: BlobPurpose = .object, step: Int = 70_001) throws
        -> FinishedBlob
    {
        let writer = try beginBlob(expectedSizeBytes: expected, purpose: purpose)
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + step)
            try writer.append(Array(bytes[offset..<end]))
            offset = end
        }
        return try writer.finish()
    }

    @discardableResult
    func put(
        _ name: String, _ bytes: [UInt8], in bucket: BucketRecord, expected: UInt64? = nil,
        preconditions: WritePreconditions = .none
    ) async throws -> ObjectRecord {
        try await putObject(
            key(name), in: bucket, blob: blob(bytes, expected: expected), etag: ETag(md5: Digest.md5(bytes)),
            attributes: alice, preconditions: preconditions)
    }

    func get(_ name: String, in bucket: BucketRecord, _ range: Range<UInt64>? = nil) throws -> [UInt8] {
        try object(key(name), in: bucket).bytes(range)
    }

    func putPart(_ number: Int, _ bytes: [UInt8], of upload: UploadRecord, checksums: [Checksum] = []) async throws
        -> PartRecord
    {
        try await putPart(
            partNumber(number), of: upload, blob: blob(bytes, purpose: .part), etag: ETag(md5: Digest.md5(bytes)),
            checksums: checksums)
    }
}

extension ObjectHandle {
    func bytes(_ range: Range<UInt64>? = nil) throws -> [UInt8] {
        var reader = self.reader(range ?? 0..<record.sizeBytes)
        var bytes: [UInt8] = []
        while let chunk = try reader.next() {
            chunk.withBytes { span in span.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        }
        return bytes
    }
}
