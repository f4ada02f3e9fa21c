import DurableFiles
import Foundation
import PropertyTesting
import RocksKit
import S3Types
import Testing

@testable import ObjectEngine

/// What was acknowledged is there, or the start or the read says that it is not, and names the file.
@Suite(.timeLimit(.minutes(3)))
struct DamageTests {
    /// LODESTORE_DAMAGE_ROUNDS has it tried more often, such as a thousand times.
    @Test func everyFlipCutAndDeletionEndsInAnExactAnswerOrNamesTheFile() async throws {
        let store = try await DamagedStore.make()
        defer { store.remove() }
        var random = SeededGenerator.printed()
        let count = ProcessInfo.processInfo.environment["LODESTORE_DAMAGE_ROUNDS"].flatMap { Int($0) } ?? 300
        let injuries = try (0..<count).map { _ in try Injury.random(in: store, using: &random) }
        let lanes = ProcessInfo.processInfo.activeProcessorCount
        let outcomes = try await withThrowingTaskGroup(of: [Outcome].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    try stride(from: lane, to: injuries.count, by: lanes).map { number in
                        try Self.outcome(of: injuries[number], number, in: store)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let tally = Dictionary(outcomes.map { ("\($0)", 1) }, uniquingKeysWith: +)
        print("damage: \(tally.sorted { $0.key < $1.key })")
        #expect(outcomes.count == count)
        for way in [Outcome.exact, .refused, .readError] where count >= 200 {
            #expect(outcomes.contains(way), "each way to end is seen: \(tally)")
        }
    }

    /// The last commits before the kill lie beyond the bound: what a cut takes of them is what a crash may take.
    @Test func aCutOfTheLastLogsEndLeavesTheLastWholeCommit() async throws {
        let store = try await DamagedStore.make()
        defer { store.remove() }
        let log = try #require(store.files.last { $0.hasSuffix(".log") })
        let size = try FileManager.default.attributesOfItem(atPath: store.root + "/killed/" + log)[.size] as? Int ?? 0
        let injury = Injury(file: log, kind: .cut(to: size - 1))
        #expect(try Self.outcome(of: injury, 0, in: store) == .lastCommit)
        // Far below the bound nothing may be missing.
        #expect(try Self.outcome(of: Injury(file: log, kind: .cut(to: size / 3)), 1, in: store) == .refused)
        #expect(try Self.outcome(of: Injury(file: log, kind: .flip(byte: size - 9, bit: 3)), 2, in: store) == .refused)
    }

    /// RocksDB begins a log of its own with an empty batch when it opens to a torn record, and only then leaves the old one behind.
    @Test func anOpeningToATornRecordThatIsCutShortIsDoneAgain() async throws {
        let store = try await DamagedStore.make()
        defer { store.remove() }
        let log = try #require(store.files.last { $0.hasSuffix(".log") })
        let directory = try store.copy("twice", changing: Set(store.files))
        let size = try FileManager.default.attributesOfItem(atPath: directory + "/" + log)[.size] as? Int ?? 0
        try Injury(file: log, kind: .cut(to: size - 1)).inflict(on: directory)
        let faults = DiskFaults()
        var configuration = DamagedStore.configuration(directory)
        configuration.faults = faults
        faults.arm(countdown: 1, of: .rename)
        #expect(throws: EngineError.self) { try StorageEngine.open(configuration) }
        let logs = try FileManager.default.contentsOfDirectory(atPath: directory + "/rocksdb").filter {
            $0.hasSuffix(".log")
        }
        #expect(
            logs.contains { !store.files.contains("rocksdb/" + $0) },
            "the opening was cut short behind the making of its log: \(logs)")
        faults.arm(countdown: 0)
        let engine = try StorageEngine.open(configuration)
        defer { engine.close() }
        let bucket = try #require(engine.buckets().first)
        for stored in store.stored.dropLast() {
            #expect(try engine.get(stored.name, in: bucket) == stored.bytes, "\(stored.name)")
        }
    }

    /// A power cut takes the name of a log that was not synced, and with it nothing that anyone was told of.
    @Test func anEmptyLogThatIsMissingCostsNothing() async throws {
        let fixture = try await filled()
        let database = fixture.directory + "/rocksdb"
        let log = try #require(FileManager.default.contentsOfDirectory(atPath: database).first { $0.hasSuffix(".log") })
        let number = try #require(StoreLayout.logNumber(log))
        #expect(fixture.size(of: database + "/" + log) == 0)
        let disk = SystemDisk()
        let path = fixture.directory + "/bound"
        var bound = try BoundFile.read(path, disk: disk)
        bound.logs = [AcknowledgedBound.Log(number: number, bytes: 0)]
        try BoundFile.make(path, bound, disk: disk)
        try FileManager.default.removeItem(atPath: database + "/" + log)
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            #expect(try engine.get("k3", in: bucket) == pattern(103))
        }
    }

    /// A changed bit in the middle of the log costs the writes of one record, and the salvage says so.
    @Test func aDamagedLogIsSalvagedButForOneRecord() async throws {
        let store = try await DamagedStore.make()
        defer { store.remove() }
        let log = try #require(store.files.last { $0.hasSuffix(".log") })
        let size = try FileManager.default.attributesOfItem(atPath: store.root + "/killed/" + log)[.size] as? Int ?? 0
        for step in 1...4 {
            let directory = try store.copy("salvaged-\(step)", changing: [log])
            try Injury(file: log, kind: .flip(byte: size * step / 5, bit: 2)).inflict(on: directory)
            let before = try DamagedStore.listing(directory)
            let report = try Salvage.run(from: directory, to: store.root + "/new-\(step)")
            #expect(try DamagedStore.listing(directory) == before)
            #expect(report.losses.contains { "\($0)".contains(log) })
            #expect(report.objectCount >= store.stored.count - 2)
            #expect(try StoreCheck.run(store.root + "/new-\(step)", readsBodies: true).problems == [])
        }
    }

    /// What a salvage leaves that is killed; neither a start nor a check takes it for a store, and nothing in it changes.
    @Test(arguments: [false, true])
    func anUnfinishedSalvageIsNoStore(hasBound: Bool) async throws {
        let fixture = try await filled()
        let target = fixture.directory + "-saved"
        defer { try? FileManager.default.removeItem(atPath: target) }
        _ = try Salvage.run(from: fixture.directory, to: target)
        #expect(try StoreCheck.run(target, readsBodies: true).problems == [])
        try FileManager.default.createDirectory(atPath: target + "/salvage-view", withIntermediateDirectories: false)
        if !hasBound {
            try FileManager.default.removeItem(atPath: target + "/bound")
            try Data().write(to: URL(fileURLWithPath: target + "/initialising"))
        }
        let before = try DamagedStore.listing(target)
        let words = "holds what a salvage had made of a store when it was interrupted"
        for _ in 0..<2 {
            #expect { try StorageEngine.open(EngineConfiguration(directory: target)) } throws: {
                "\($0)".contains(words)
            }
        }
        #expect { try Salvage.run(from: fixture.directory, to: target) } throws: { "\($0)".contains(words) }
        #expect(try StoreCheck.run(target, readsBodies: false).problems.map { "\($0)".contains(words) } == [true])
        #expect(
            try DamagedStore.listing(target).filter { !$0.hasPrefix("LOCK") } == before.filter { !$0.hasPrefix("LOCK") }
        )
    }

    enum Outcome { case exact, refused, readError, lastCommit }

    private static func outcome(of injury: Injury, _ number: Int, in store: DamagedStore) throws -> Outcome {
        let directory = try store.copy("copy-\(number)", changing: [injury.file])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try injury.inflict(on: directory)
        let before = try DamagedStore.listing(directory)
        let file = injury.file.split(separator: "/").last.map(String.init) ?? injury.file
        let found: (missing: Int, failures: [String])
        do { found = try answers(of: directory, injury, in: store) } catch {
            #expect("\(error)".contains(file), "\(injury): \(error)")
            #expect(try DamagedStore.listing(directory) == before, "\(injury): the directory is as it was")
            return .refused
        }
        let (missing, failures) = found
        if missing > 0 {
            #expect(injury.isLog && failures.isEmpty, "\(injury): \(missing) objects are gone and nobody was told")
            if case .cut = injury.kind {} else { Issue.record("\(injury): only a torn end may cost anything") }
            return .lastCommit
        }
        guard !failures.isEmpty else { return .exact }
        // RocksDB names the table; of a file of values the check tells.
        if !failures.allSatisfy({ $0.contains(file) }) {
            let report = try StoreCheck.run(directory, readsBodies: true)
            #expect(report.problems.contains { "\($0)".contains(file) }, "\(injury): \(failures) \(report.problems)")
        }
        return .readError
    }

    /// What a store that starts on a directory answers; each body that it gives is held to what was put.
    private static func answers(
        of directory: String, _ injury: Injury, in store: DamagedStore
    ) throws -> (missing: Int, failures: [String]) {
        let engine = try StorageEngine.open(DamagedStore.configuration(directory))
        defer { engine.close() }
        guard let bucket = engine.buckets().first else {
            Issue.record("\(injury): the bucket is gone and nobody was told")
            return (0, [])
        }
        var missing = 0
        var failures: [String] = []
        for stored in store.stored {
            do {
                #expect(try engine.get(stored.name, in: bucket) == stored.bytes, "\(injury): \(stored.name)")
                #expect(missing == 0, "\(injury): \(stored.name) is there and one before it is not")
            } catch EngineError.noSuchKey {
                missing += 1
            } catch {
                failures.append("\(error)")
            }
        }
        return (missing, failures)
    }

    // MARK: What a directory lacks

    @Test(arguments: ["format", "epoch", "mark"])
    func aMissingKeyOfTheSystemIsDamage(name: String) async throws {
        let fixture = try await filled()
        try change(fixture) { batch throws(RocksError) in
            try batch.delete(Array(name.utf8), in: Family.system.rawValue)
        }
        try refused(fixture, naming: "the key \(name) of the family system is missing")
    }

    @Test func anotherFormatIsRefusedInWords() async throws {
        let fixture = try await filled()
        try change(fixture) { batch throws(RocksError) in
            try batch.put(StoreKey.format, StoreKey.number(9), in: Family.system.rawValue)
        }
        try refused(
            fixture, naming: "the directory has format 9, and this release of lodestore reads and writes format 1 only")
        #expect(throws: EngineError.self) { try StoreCheck.run(fixture.directory, readsBodies: false) }
    }

    @Test(arguments: ["bound", "rocksdb/CURRENT", "rocksdb/IDENTITY", "rocksdb"])
    func aMissingFileIsDamage(name: String) async throws {
        let fixture = try await filled()
        try FileManager.default.removeItem(atPath: fixture.directory + "/" + name)
        try refused(fixture, naming: name == "rocksdb" ? "CURRENT: missing" : "\(name): missing")
    }

    @Test func aMissingFamilyIsDamage() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { _ = try await $0.makeBucket() }
        try FileManager.default.removeItem(atPath: fixture.directory + "/rocksdb")
        var settings = DatabaseSettings()
        settings.creates = true
        // Opened until its manifest is a later one than the bound tells of.
        for _ in 0..<3 {
            _ = try Database(
                path: fixture.directory + "/rocksdb", settings: settings,
                families: Family.allCases.filter { $0 != .uploads }.map(\.settings))
        }
        try refused(fixture, naming: "the family uploads is missing")
    }

    @Test func aDirectoryThatHoldsSomethingElseIsNoNewStore() throws {
        let fixture = EngineFixture()
        try FileManager.default.createDirectory(atPath: fixture.directory, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: fixture.directory + "/thesis.tex"))
        try refused(fixture, naming: "thesis.tex")
    }

    /// The making of a directory ends with the bound; before, the marker says that it is not finished.
    @Test func aMakingThatWasInterruptedIsFinished() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { _ in }
        try FileManager.default.removeItem(atPath: fixture.directory + "/bound")
        try Data().write(to: URL(fileURLWithPath: fixture.directory + "/initialising"))
        try await fixture.withEngine { engine in
            let bucket = try await engine.makeBucket()
            try await engine.put("k", pattern(100), in: bucket)
        }
        try await fixture.withEngine { engine in
            let bucket = try engine.bucket(bucketName())
            #expect(try engine.get("k", in: bucket) == pattern(100))
        }
        #expect(!FileManager.default.fileExists(atPath: fixture.directory + "/initialising"))
    }

    @Test func aDirectoryHasOneEngine() async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine { _ in
            let configuration = EngineConfiguration(directory: fixture.directory)
            #expect { try StorageEngine.open(configuration) } throws: { "\($0)".contains("is open in another process") }
            return
        }
    }

    // MARK: Check

    @Test func theCheckHoldsSequencesToTheMark() async throws {
        let fixture = try await filled()
        try change(fixture) { batch throws(RocksError) in
            try batch.delete(StoreKey.object(key("k2"), in: BucketID(1)), in: Family.objects.rawValue)
            try batch.delete(StoreKey.event(3, in: BucketID(1)), in: Family.feed.rawValue)
            let mark = CommitMark(sequence: 4, blobFloor: 1, nextBlob: 1)
            try batch.put(StoreKey.mark, mark.encoded, in: Family.system.rawValue)
        }
        let texts = try StoreCheck.run(fixture.directory, readsBodies: true).problems.map { "\($0)" }
        #expect(texts.contains { $0.contains("\"k2\" is missing or older than commit 4") })
        #expect(texts.contains { $0.contains("has no event of commit 3, which wrote models/\"k1\"") })
        #expect(texts.contains { $0.contains("the family objects has a record of commit 5, and the last commit is 4") })
        #expect(texts.contains { $0.contains("commits up to 5 were acknowledged") })
    }

    // MARK: Fixtures

    /// A closed store with the objects k0 to k3 of commits 2 to 5, in bucket 1.
    private func filled() async throws -> EngineFixture {
        let fixture = EngineFixture()
        try await fixture.withEngine { engine in
            let bucket = try await engine.makeBucket()
            for number in 0..<4 { try await engine.put("k\(number)", pattern(100 + number), in: bucket) }
        }
        return fixture
    }

    private func change(
        _ fixture: EngineFixture, _ body: (inout WriteBatch) throws(RocksError) -> Void
    ) throws {
        let database = try Database(
            path: fixture.directory + "/rocksdb", settings: DatabaseSettings(),
            families: Family.allCases.map(\.settings))
        var batch = WriteBatch(database)
        try body(&batch)
        try database.write(batch, isSynced: true)
    }

    private func refused(_ fixture: EngineFixture, naming text: String) throws {
        let before = try DamagedStore.listing(fixture.directory)
        #expect { try StorageEngine.open(EngineConfiguration(directory: fixture.directory)) } throws: {
            "\($0)".contains(text) && !"\($0)".contains("\n")
        }
        #expect(try DamagedStore.listing(fixture.directory) == before)
    }
}
