import Digests
import ObjectEngine
import PropertyTesting
import S3Types
import Testing

/// The engine beside a plain dictionary: the same random steps, the same answers, across reopenings.
@Suite(.timeLimit(.minutes(3))) struct DictionaryComparisonTests {
    private struct Object: Equatable {
        var bytes: [UInt8]
        var etag: ETag
    }

    private struct Upload {
        var record: UploadRecord
        var parts: [Int: PartRecord] = [:]
        var bodies: [Int: [UInt8]] = [:]
    }

    /// What the store should hold.
    private struct Dictionary {
        var objects: [ObjectKey: Object] = [:]
        var uploads: [Upload] = []
        var history: [String] = []
    }

    private static let stepCount = 120
    private static let names = ["a", "a/b", "a/c/d", "a\u{0}", "b", "é/x", "z//"]
    private static let sizes = [0, 1, 500, 32 << 10, (32 << 10) + 1, 300_000, (1 << 20) + 7, 2_500_000]

    @Test(arguments: 0..<4)
    func theEngineAgreesWithADictionary(round: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var expected = Dictionary()
        let fixture = EngineFixture()
        var start: FeedCursor?
        for _ in 0..<3 {
            (expected, random, start) = try await fixture.withEngine({
                $0.ingestThresholdBytes = 1 << 20
                $0.minimumPartBytes = 1000
                $0.deadBlobAllowanceBytes = 2 << 20
            }) { [expected, random, start] engine in
                var (expected, random) = (expected, random)
                let bucket: BucketRecord
                do { bucket = try engine.bucket(bucketName()) } catch { bucket = try await engine.makeBucket() }
                let origin = try start ?? engine.feedHead(of: bucket)
                for _ in 0..<Self.stepCount { try await Self.step(engine, bucket, &expected, &random) }
                await engine.settleReclaim()
                try Self.compare(engine, bucket, expected, since: origin, "seed \(seed)")
                return (expected, random, origin)
            }
        }
    }

    // MARK: Steps

    private static func step(
        _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: inout Dictionary, _ random: inout SeededGenerator
    ) async throws {
        let name = key(names.randomElement(using: &random)!)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: try await put(name, engine, bucket, &expected, &random)
        case 4: try await delete(name, engine, bucket, &expected, &random)
        case 5: try await copy(name, engine, bucket, &expected, &random)
        case 6: try read(name, engine, bucket, expected, &random)
        case 7:
            let record = try await engine.createUpload(name, in: bucket, attributes: alice)
            expected.uploads.append(Upload(record: record))
        case 8: try await putPart(engine, &expected, &random)
        default: try await endUpload(engine, &expected, &random)
        }
    }

    private static func put(
        _ name: ObjectKey, _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: inout Dictionary,
        _ random: inout SeededGenerator
    ) async throws {
        let bytes = pattern(sizes.randomElement(using: &random)!, seed: random.next())
        var preconditions = WritePreconditions.none
        let tags = [ETag(md5: Digest.md5([1])), expected.objects[name]?.etag ?? ETag(md5: Digest.md5([2]))]
        switch Int.random(in: 0..<5, using: &random) {
        case 0: preconditions.ifNoneMatch = .any
        case 1: preconditions.ifMatch = .tags([tags.randomElement(using: &random)!])
        case 2: preconditions.ifNoneMatch = .tags(tags)
        default: break
        }
        let current = expected.objects[name]
        let holds =
            switch (preconditions.ifMatch, preconditions.ifNoneMatch) {
            case (.tags(let wanted)?, _): current.map { wanted.contains($0.etag) } ?? false
            case (_, .any?): current == nil
            case (_, .tags(let unwanted)?): current.map { !unwanted.contains($0.etag) } ?? true
            default: true
            }
        do {
            let announced = Bool.random(using: &random) ? UInt64(bytes.count) : nil
            let record = try await engine.put(
                name.text, bytes, in: bucket, expected: announced, preconditions: preconditions)
            #expect(holds)
            expected.objects[name] = Object(bytes: bytes, etag: record.etag)
            expected.history.append("createdPut \(name)")
        } catch {
            #expect(!holds)
        }
    }

    private static func delete(
        _ name: ObjectKey, _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: inout Dictionary,
        _ random: inout SeededGenerator
    ) async throws {
        let existed = expected.objects.removeValue(forKey: name) != nil
        #expect(try await engine.deleteObject(name, in: bucket) == existed)
        if existed { expected.history.append("removedDelete \(name)") }
    }

    private static func copy(
        _ name: ObjectKey, _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: inout Dictionary,
        _ random: inout SeededGenerator
    ) async throws {
        guard let source = expected.objects[name] else { return }
        let target = key(names.randomElement(using: &random)!)
        _ = try await engine.copyObject(
            from: engine.object(name, in: bucket), to: target, in: bucket, attributes: alice)
        expected.objects[target] = source
        expected.history.append("createdCopy \(target)")
    }

    private static func read(
        _ name: ObjectKey, _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: Dictionary,
        _ random: inout SeededGenerator
    ) throws {
        guard let object = expected.objects[name] else {
            #expect(throws: EngineError.self) { try engine.object(name, in: bucket) }
            return
        }
        let first = Int.random(in: 0...object.bytes.count, using: &random)
        let last = Int.random(in: first...object.bytes.count, using: &random)
        #expect(
            try engine.get(name.text, in: bucket, UInt64(first)..<UInt64(last)) == Array(object.bytes[first..<last]))
    }

    private static func putPart(_ engine: StorageEngine, _ expected: inout Dictionary, _ random: inout SeededGenerator)
        async throws
    {
        guard let index = expected.uploads.indices.randomElement(using: &random) else { return }
        let number = Int.random(in: 1...4, using: &random)
        let bytes = pattern(sizes.randomElement(using: &random)!, seed: random.next())
        expected.uploads[index].parts[number] = try await engine.putPart(
            number, bytes, of: expected.uploads[index].record)
        expected.uploads[index].bodies[number] = bytes
    }

    private static func endUpload(
        _ engine: StorageEngine, _ expected: inout Dictionary, _ random: inout SeededGenerator
    ) async throws {
        guard let index = expected.uploads.indices.randomElement(using: &random) else { return }
        let upload = expected.uploads[index]
        if Int.random(in: 0..<4, using: &random) == 0 {
            try await engine.abortUpload(upload.record)
            expected.uploads.remove(at: index)
            return
        }
        let numbers = upload.parts.keys.sorted().filter { _ in Int.random(in: 0..<5, using: &random) > 0 }
        let isValid = !numbers.isEmpty && numbers.dropLast().allSatisfy { upload.bodies[$0]!.count >= 1000 }
        do {
            let listed = numbers.map { CompletedPart(number: upload.parts[$0]!.number, etag: upload.parts[$0]!.etag) }
            let record = try await engine.completeUpload(upload.record, parts: listed)
            #expect(isValid)
            expected.objects[upload.record.key] = Object(
                bytes: numbers.flatMap { upload.bodies[$0]! }, etag: record.etag)
            expected.history.append("createdCompleteMultipartUpload \(upload.record.key)")
            expected.uploads.remove(at: index)
        } catch {
            #expect(!isValid)
        }
    }

    // MARK: Comparison

    private static func compare(
        _ engine: StorageEngine, _ bucket: BucketRecord, _ expected: Dictionary, since origin: FeedCursor,
        _ note: String
    ) throws {
        let listed = try engine.list(ListQuery(), in: bucket).objects
        #expect(listed.map(\.key) == expected.objects.keys.sorted(), "\(note)")
        for summary in listed {
            #expect(summary.etag == expected.objects[summary.key]?.etag, "\(note)")
            #expect(
                try engine.get(summary.key.text, in: bucket) == expected.objects[summary.key]?.bytes,
                "\(note) \(summary.key)")
        }
        let uploads = try engine.uploads(UploadQuery(limit: 10_000), in: bucket).uploads
        #expect(Set(uploads.map(\.id)) == Set(expected.uploads.map(\.record.id)), "\(note)")
        for upload in expected.uploads {
            let parts = try engine.parts(of: upload.record, limit: 100).parts
            #expect(parts == upload.parts.keys.sorted().map { upload.parts[$0]! }, "\(note)")
        }
        let events = try engine.feedEvents(of: bucket, after: origin, limit: .max).events
        #expect(events.map { "\($0.kind) \($0.key)" } == expected.history, "\(note)")
        let report = try engine.check(readsBodies: true)
        #expect(report.problems == [], "\(note)")
        #expect(report.objectCount == expected.objects.count, "\(note)")
    }
}
