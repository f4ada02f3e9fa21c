import Digests
import DurableFiles
import Glibc
import Handoff
import Logging
import ModelCache
import ModelImage
import Names
import S3Types
import SealedMemory
import Synchronization
import Testing

@testable import ModelSync
@testable import S3Client

/// A directory of its own for one test, removed with the value.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/lodestore-sync-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { remove(path + "/" + name) }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// A bucket in memory, with or without a feed, that can be down.
final class MemoryBucket: ModelBucket {
    private struct State {
        var objects: [ObjectKey: (bytes: [UInt8], etag: ETag, modified: Int)] = [:]
        var changeCount = 0
        var isDown = false
        var hasFeed = true
        var followers: [Int: AsyncStream<FeedNotice>.Continuation] = [:]
        var fetchCount = 0
        var brokenKeys: Set<ObjectKey> = []
    }

    private let state = Mutex(State())

    /// - Parameter etag: another than the MD5, as an upload in parts has.
    func put(_ key: String, _ bytes: [UInt8], etag: String? = nil) throws {
        let key = try ObjectKey(key)
        let etag = try etag.map { try ETag($0) } ?? ETag(md5: Digest.md5(bytes))
        let (followers, number) = state.withLock { state in
            state.changeCount += 1
            state.objects[key] = (bytes, etag, state.changeCount)
            return (Array(state.followers.values), state.changeCount)
        }
        let notice = try makeNotice("ObjectCreated:Put", key, etag: etag, sequencer: number)
        for follower in followers { follower.yield(notice) }
    }

    func delete(_ key: String) throws {
        let key = try ObjectKey(key)
        let (followers, number) = state.withLock { state in
            state.changeCount += 1
            state.objects[key] = nil
            return (Array(state.followers.values), state.changeCount)
        }
        let notice = try makeNotice("ObjectRemoved:Delete", key, etag: nil, sequencer: number)
        for follower in followers { follower.yield(notice) }
    }

    /// Ends every connection and refuses new ones, or accepts them again.
    func setDown(_ isDown: Bool) {
        let followers = state.withLock { state in
            state.isDown = isDown
            return isDown ? Array(state.followers.values) : []
        }
        for follower in followers { follower.finish() }
    }

    func removeFeed() { state.withLock { $0.hasFeed = false } }
    var fetchCount: Int { state.withLock { $0.fetchCount } }
    var followerCount: Int { state.withLock { $0.followers.count } }

    func objects(prefix: String) async throws(S3ClientError) -> [BucketObject] {
        let found = state.withLock { $0.isDown ? nil : $0.objects }
        guard let found else { throw .connection(cause: CancellationError()) }
        return found.filter { $0.key.text.hasBytePrefix(prefix) }.sorted { $0.key < $1.key }.map { key, object in
            BucketObject(
                key: key, etag: object.etag, sizeBytes: UInt64(object.bytes.count),
                modified: "2026-01-01T00:00:00.\(String(1_000_000 + object.modified))Z")
        }
    }

    func artifact(
        _ key: ObjectKey, ifMatch etag: ETag, limitBytes: UInt64
    ) async throws(S3ClientError) -> FetchedArtifact {
        let (isDown, object) = state.withLock { state in
            state.fetchCount += 1
            return (state.isDown, state.objects[key])
        }
        if isDown { throw .connection(cause: CancellationError()) }
        guard let object else { throw .noSuchKey(key) }
        guard object.etag == etag else { throw .changed(key) }
        return FetchedArtifact(bytes: object.bytes, version: etag.text)
    }

    func follow(
        prefix: String, after cursor: String?, opened: (String) async -> Void, heard: ([FeedNotice]) async -> Void
    ) async throws(S3ClientError) {
        let (stream, continuation) = AsyncStream<FeedNotice>.makeStream()
        let begun = state.withLock { state -> (id: Int, head: String)? in
            guard state.hasFeed, !state.isDown else { return nil }
            state.changeCount += 1
            state.followers[state.changeCount] = continuation
            return (state.changeCount, String(state.changeCount))
        }
        guard let begun else {
            let hasFeed = state.withLock { $0.hasFeed }
            throw hasFeed ? .connection(cause: CancellationError()) : .noFeed
        }
        await opened(begun.head)
        for await notice in stream { await heard([notice]) }
        state.withLock { $0.followers[begun.id] = nil }
    }

    private func makeNotice(_ name: String, _ key: ObjectKey, etag: ETag?, sequencer: Int) throws -> FeedNotice {
        FeedNotice(
            change: name.hasPrefix("ObjectCreated") ? .created : .removed, key: key, sizeBytes: 0, etag: etag,
            sequencer: String(sequencer))
    }
}

/// An executor without loops: validates images as a real one does, and releases what a newer one replaces.
final class TestExecutor: ImageHolder {
    let path: String
    let imageVersions: [UInt16] = [ModelImageView.version]
    private let live = Mutex<[Name: ImageOffer]>([:])
    private let adopted = Mutex<[ImageOffer]>([])
    private let refusal = Mutex<ImageRefusal?>(nil)
    private let listener = Mutex<HandoffListener?>(nil)

    init(_ directory: TemporaryDirectory, name: String = "control") throws {
        path = directory.path + "/\(name).sock"
        let opened = try HandoffListener(path: path, allowedUID: geteuid(), holder: self) { _ in }
        listener.withLock { $0 = opened }
    }

    /// Every image that was adopted, in order.
    var adoptions: [ImageOffer] { adopted.withLock { $0 } }
    func version(_ model: Name) -> String? { live.withLock { $0[model]?.version } }
    func refuseNext(_ reason: String) { refusal.withLock { $0 = ImageRefusal(code: .other, reason: reason) } }

    func stop() { listener.withLock { $0.take() }?.stop() }

    func adopt(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(ImageRefusal) {
        if let refusal = refusal.withLock({ $0.take() }) { throw refusal }
        do {
            let mapped = try memory.mapped()
            _ = try ModelImageView(validating: mapped.bytes)
            withExtendedLifetime(mapped) {}
        } catch {
            throw ImageRefusal(code: .invalidImage, reason: "\(error)")
        }
        let replaced = live.withLock { live in
            let replaced = live[offer.model]
            live[offer.model] = offer
            return replaced
        }
        adopted.withLock { $0.append(offer) }
        if let replaced { listener.withLock { $0 }?.release(generation: replaced.generation) }
    }

    func retire(model: Name) { live.withLock { $0[model] = nil } }
}

/// A sidecar that runs until it is stopped.
final class RunningSidecar: Sendable {
    private let supervisor: Mutex<ModelSupervisor?>
    private let task: Task<Void, Never>

    init(
        _ directory: TemporaryDirectory, bucket: MemoryBucket, executors: [TestExecutor], disk: any Disk = SystemDisk()
    ) throws {
        var configuration = SyncConfiguration()
        configuration.executors = executors.map(\.path)
        let cache = try ModelCache(directory: directory.path + "/cache", budgetBytes: 1 << 30, disk: disk)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .trace
        // The pauses of a test are short, and still give way.
        let supervisor = ModelSupervisor(
            configuration: configuration, bucket: bucket, cache: cache, logger: logger,
            pause: { _ in try await Task.sleep(for: .milliseconds(1)) })
        self.supervisor = Mutex(supervisor)
        // Owned by this value: `stop` ends it and waits.
        self.task = Task { await supervisor.run(ready: {}) }
    }

    func stop() async {
        task.cancel()
        await task.value
        // With it goes the lock of the cache directory.
        supervisor.withLock { $0 = nil }
    }

    func status(_ model: Name) -> ModelStatus? {
        supervisor.withLock { $0 }?.status.models.first { $0.model == model }
    }
    func state(_ model: Name) -> String? { status(model)?.state }

    /// Waits until a model's newest artifact has failed, and says why.
    func failure(_ model: Name) async throws -> String {
        try await eventually("\(model) has failed") { self.state(model) == "failed" }
        return try #require(status(model)?.reason)
    }
}

/// Waits for what other threads and processes bring about.
func eventually(
    _ claim: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: @Sendable () -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("not within 30 s: \(claim)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A file of `Data/Models`.
func demo(_ path: String) throws -> [UInt8] {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let descriptor = open("/\(root)/Data/Models/\(path)", O_RDONLY)
    try #require(descriptor >= 0, "Data/Models/\(path) is there")
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(descriptor, &part, part.count), count > 0 { bytes += part.prefix(count) }
    return bytes
}

func etag(_ bytes: [UInt8]) -> String { ETag(md5: Digest.md5(bytes)).text }

/// A tar archive of one-block headers, as `ustar` has them.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    /// - Parameter type: `0` a file, `1` a hard link, `2` a symbolic link, `3` a device, `5` a directory.
    mutating func add(_ path: String, _ content: [UInt8] = [], type: Character = "0", link: String = "") {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (i, byte) in text.utf8.enumerated() { header[offset + i] = byte }
        }
        func octal(_ number: Int, width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        put(path, at: 0)
        put("0000644\0", at: 100)
        put(octal(0, width: 7), at: 108)
        put(octal(0, width: 7), at: 116)
        put(octal(content.count, width: 11), at: 124)
        put(octal(0, width: 11), at: 136)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        put("        ", at: 148)
        put(octal(header.reduce(0) { $0 + Int($1) }, width: 6) + "\0 ", at: 148)
        bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
