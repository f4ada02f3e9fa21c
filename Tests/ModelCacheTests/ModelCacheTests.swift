import Digests
import DurableFiles
import Glibc
import Names
import PropertyTesting
import Testing

@testable import ModelCache

@Suite(.timeLimit(.minutes(3))) struct ModelCacheTests {
    private let temporary = TemporaryDirectory()

    private func opened(budgetBytes: UInt64 = .max, disk: any Disk = SystemDisk()) throws -> ModelCache {
        try ModelCache(directory: temporary.path, budgetBytes: budgetBytes, disk: disk)
    }

    @Test(arguments: [1, 2, 100, 262_143, 262_144, 262_145, 524_288, 3_000_001])
    func contentComesBackAsItWasStored(byteCount: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let cache = try opened()
        let content = mixedContent(byteCount, using: &random)
        let key = artifactKey(1)
        let onDisk = try cache.store(content, as: key)
        #expect(try cache.content(of: key) == content, "seed \(seed)")
        #expect(cache.usedBytes == onDisk)
    }

    @Test func floatNoiseIsStoredAsItIsAndTextShrinks() throws {
        var random = SeededGenerator(seed: 7)
        let cache = try opened()
        let noise = (0..<500_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(try cache.store(noise, as: artifactKey(1)) == 500_000 + 72 + 2 * 16)
        #expect(try cache.content(of: artifactKey(1)) == noise)
        #expect(try cache.store([UInt8](repeating: 65, count: 500_000), as: artifactKey(2)) < 10_000)
    }

    @Test func imagesOfOneArtifactAreKeptApartByVersionAndLayout() throws {
        let cache = try opened()
        guard case .artifact(let digest) = artifactKey(1) else { return }
        let keys: [CacheKey] = [
            .artifact(digest), .image(of: digest, version: 1, layout: "walk"),
            .image(of: digest, version: 2, layout: "walk"),
            .image(of: digest, version: 1, layout: "bits-avx2"),
        ]
        for (number, key) in keys.enumerated() { try cache.store([UInt8(number)], as: key) }
        for (number, key) in keys.enumerated() { #expect(try cache.content(of: key) == [UInt8(number)]) }
        #expect(Set(keys.map(\.fileName)).count == 4)
        for key in keys { #expect(CacheKey(fileName: key.fileName) == key) }
    }

    @Test(arguments: [
        "", "x", "lock", "../x.artifact", "ab.artifact", String(repeating: "A", count: 64) + ".artifact",
        String(repeating: "a", count: 64) + ".70000.walk.image", String(repeating: "a", count: 64) + ".1.W.image",
        String(repeating: "a", count: 64) + ".artifact.new",
    ])
    func otherFilesAreNoContent(name: String) {
        #expect(CacheKey(fileName: name) == nil)
    }

    @Test func whatIsKeptOutlivesTheProcess() throws {
        let first = try opened()
        try first.store([1, 2, 3], as: artifactKey(1))
        _ = consume first
        let second = try opened()
        #expect(second.contains(artifactKey(1)))
        #expect(try second.content(of: artifactKey(1)) == [1, 2, 3])
    }

    @Test func leftoversOfAKilledProcessAreRemoved() throws {
        _ = try opened()
        let path = temporary.path + "/content/" + artifactKey(1).fileName + ".new"
        try SystemDisk().write([1, 2, 3].span.bytes, to: path, mode: 0o600)
        let cache = try opened()
        #expect(!cache.contains(artifactKey(1)))
        #expect(access(path, F_OK) != 0)
    }

    @Test func aDirectoryIsForOneProcess() throws {
        let cache = try opened()
        #expect(throws: ModelCacheError.directoryInUse(temporary.path)) { _ = try opened() }
        withExtendedLifetime(cache) {}
    }

    @Test func whatIsNotKeptIsMissing() throws {
        let cache = try opened()
        #expect(throws: ModelCacheError.missing(artifactKey(1).fileName)) { _ = try cache.hydrate(artifactKey(1)) }
    }

    // MARK: Budget

    @Test func theLeastRecentlyUsedGoesFirst() throws {
        let cache = try opened(budgetBytes: 300)
        for number in 1...3 { try cache.store([UInt8(number)], as: artifactKey(UInt8(number))) }
        _ = try cache.content(of: artifactKey(1))
        // Each file has 72 + 16 + 1 bytes: three fit into 300, four do not.
        #expect(try cache.evict(keeping: []).isEmpty)
        try cache.store([4], as: artifactKey(4))
        #expect(try cache.evict(keeping: []) == [artifactKey(2)])
        #expect(!cache.contains(artifactKey(2)) && cache.contains(artifactKey(1)))
        #expect(cache.usedBytes == 267)
    }

    @Test func whatIsInUseStaysWhateverTheBudget() throws {
        let cache = try opened(budgetBytes: 0)
        for number in 1...2 { try cache.store([UInt8(number)], as: artifactKey(UInt8(number))) }
        #expect(try cache.evict(keeping: [artifactKey(1).artifactDigest]) == [artifactKey(2)])
        #expect(cache.contains(artifactKey(1)))
    }

    @Test func theOrderOfUseOutlivesTheProcess() throws {
        let first = try opened()
        for number in 1...3 { try first.store([UInt8(number)], as: artifactKey(UInt8(number))) }
        _ = try first.content(of: artifactKey(1))
        _ = consume first
        let second = try opened(budgetBytes: 89 * 2)
        #expect(try second.evict(keeping: []) == [artifactKey(2)])
    }

    // MARK: Damage

    @Test func aFileCutAnywhereIsDamagedAndDropped() throws {
        let cache = try opened()
        let key = artifactKey(1)
        let content = [UInt8](repeating: 3, count: 300_000)
        let size = try cache.store(content, as: key)
        let path = temporary.path + "/content/" + key.fileName
        for length in stride(from: 0, to: Int(size), by: 7) {
            try cache.store(content, as: key)
            truncate(path, length)
            #expect(throws: ModelCacheError.self) { _ = try cache.hydrate(key) }
            #expect(!cache.contains(key) && access(path, F_OK) != 0)
        }
    }

    @Test func everyChangedByteIsNoticed() throws {
        let cache = try opened()
        let key = artifactKey(1)
        var random = SeededGenerator(seed: 11)
        let content = mixedContent(3000, using: &random)
        let size = Int(try cache.store(content, as: key))
        let path = temporary.path + "/content/" + key.fileName
        let good = try SystemDisk().read(path, limitBytes: 1 << 20)
        for offset in stride(from: 0, to: size, by: offsetStep(size)) {
            var bad = good
            bad[offset] ^= UInt8.random(in: 1...255, using: &random)
            try cache.store(content, as: key)
            try SystemDisk().write(bad.span.bytes, to: path, mode: 0o600)
            #expect(throws: ModelCacheError.self, "offset \(offset)") { _ = try cache.hydrate(key) }
        }
    }

    /// All of a small file, or some hundreds of places of a larger one.
    private func offsetStep(_ size: Int) -> Int { max(1, size / 400) }

    @Test func aFileWithBytesAfterItsEndIsDamaged() throws {
        let cache = try opened()
        try cache.store([1], as: artifactKey(1))
        let path = temporary.path + "/content/" + artifactKey(1).fileName
        let bytes = try SystemDisk().read(path, limitBytes: 1 << 20) + [0]
        try SystemDisk().write(bytes.span.bytes, to: path, mode: 0o600)
        #expect(throws: ModelCacheError.self) { _ = try cache.hydrate(artifactKey(1)) }
    }

    @Test func anArtifactIsNoImage() throws {
        let cache = try opened()
        let key = CacheKey.image(of: artifactKey(1).artifactDigest, version: 1, layout: "walk")
        try cache.store([1], as: key)
        try cache.store([1], as: artifactKey(1))
        let content = temporary.path + "/content/"
        rename(content + artifactKey(1).fileName, content + key.fileName)
        #expect(throws: ModelCacheError.self) { _ = try cache.hydrate(key) }
    }

    // MARK: A disk that fails

    @Test func whicheverCallFailsTheOldContentStays() throws {
        let key = artifactKey(1)
        let disk = FailingDisk()
        let cache = try opened(disk: disk)
        try cache.store([1, 1, 1], as: key)
        let changesPerStore = try changes(disk) { try cache.store([1, 1, 1], as: key) }
        #expect(changesPerStore >= 2)
        _ = consume cache
        for countdown in 1...changesPerStore {
            // Opening makes two directories before the store begins.
            let failing = FailingDisk(countdown: countdown + 2)
            let cache = try opened(disk: failing)
            #expect(throws: ModelCacheError.self) { try cache.store([2, 2], as: key) }
            let found = try cache.content(of: key)
            #expect(found == [1, 1, 1] || found == [2, 2], "whole, whichever it is")
        }
    }

    private func changes(_ disk: FailingDisk, _ body: () throws -> Void) rethrows -> Int {
        let before = disk.changeCount
        try body()
        return disk.changeCount - before
    }

    // MARK: Records

    @Test func recordsOutliveTheProcessAndReplaceEachOther() throws {
        let first = try opened()
        try first.remember(record("filter", version: "1"))
        try first.remember(record("filter", version: "2"))
        try first.remember(record("../../etc/passwd", version: "ü"))
        try first.remember(record("gone", version: "1"))
        try first.forget(model: "gone")
        _ = consume first
        let found = try opened().records().records.sorted { $0.model < $1.model }
        #expect(found == [record("../../etc/passwd", version: "ü"), record("filter", version: "2")])
    }

    @Test func aDamagedRecordIsDropped() throws {
        let cache = try opened()
        let bytes = record("filter", version: "1").encoded
        for offset in bytes.indices {
            var bad = bytes
            bad[offset] ^= 0x40
            #expect(ModelRecord(encoded: bad) == nil)
            #expect(ModelRecord(encoded: Array(bytes.prefix(offset))) == nil)
        }
        try cache.remember(record("filter", version: "1"))
        let directory = temporary.path + "/models"
        let name = try #require(try SystemDisk().list(directory).first)
        truncate(directory + "/" + name, 20)
        let found = try cache.records()
        #expect(found.records.isEmpty && found.problems.count == 1)
        #expect(try SystemDisk().list(directory).isEmpty)
    }

    private func record(_ model: Name, version: String) -> ModelRecord {
        ModelRecord(
            model: model, version: version, objectKey: model.text + "/model.tar.gz", etag: "abc", sizeBytes: 1 << 40,
            artifactDigest: artifactKey(1).artifactDigest, imageDigest: artifactKey(2).artifactDigest)
    }
}
