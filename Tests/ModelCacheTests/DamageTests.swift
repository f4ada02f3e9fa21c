import Digests
import DurableFiles
import Glibc
import Names
import PropertyTesting
import SealedMemory
import Testing

@testable import ModelCache

/// Files of a cache directory that are not as they were written: an exact answer, or a refusal that names the file.
@Suite(.timeLimit(.minutes(1))) struct DamageTests {
    private let temporary = TemporaryDirectory()
    private let disk = SystemDisk()

    private func record(_ model: String) -> ModelRecord {
        ModelRecord(
            model: Name(model), version: "v1", objectKey: "\(model)/model.json", etag: "abc", sizeBytes: 3,
            artifactDigest: artifactKey(1).artifactDigest, imageDigest: artifactKey(2).artifactDigest)
    }

    private func mark(_ number: UInt8, _ state: PreparationMark.State = .running) -> PreparationMark {
        PreparationMark(
            artifactDigest: artifactKey(number).artifactDigest, state: state, boot: "b", model: "m",
            objectKey: "m/a.json",
            etag: "e")
    }

    /// One round: a cache of every kind of file, one file of it changed, everything asked.
    @Test func aThousandDamagesEndInTheExactAnswerOrNameTheFile() throws {
        var random = SeededGenerator.printed()
        let image = CacheKey.image(of: artifactKey(1).artifactDigest, version: 3, layout: "words")
        let contents: [(CacheKey, [UInt8])] = [
            (artifactKey(1), mixedContent(5000, using: &random)), (image, mixedContent(300_000, using: &random)),
        ]
        let sound = try ModelCache(directory: temporary.path, budgetBytes: .max)
        for (key, content) in contents { try sound.store(content, as: key) }
        try sound.remember(record("m"))
        try sound.mark(mark(1))
        _ = consume sound
        let paths = try ["content", "models", "preparing"].flatMap { folder in
            try disk.list(temporary.path + "/" + folder).map { temporary.path + "/" + folder + "/" + $0 }
        }
        #expect(paths.count == 4)
        let good = try paths.map { try disk.read($0, limitBytes: 1 << 20) }
        var namedCount = 0
        for round in 0..<1000 {
            let place = Int.random(in: 0..<paths.count, using: &random)
            let path = paths[place]
            try damage(path, good[place], using: &random)
            let cache = try ModelCache(directory: temporary.path, budgetBytes: .max)
            var isNamed = false
            for (key, content) in contents {
                do {
                    let found = try cache.hydrate(key)
                    #expect(try found.memory.mapped().copied == content, "round \(round): \(path)")
                } catch {
                    let name = key.fileName
                    #expect("\(error)".contains(name) && path.hasSuffix(name), "round \(round): \(error)")
                    #expect(!cache.contains(key))
                    isNamed = true
                }
            }
            let (records, problems) = try cache.records()
            #expect(records == [record("m")] || records.isEmpty)
            let (marks, damaged) = try cache.marks()
            #expect(marks == [mark(1)] || marks.isEmpty)
            for said in problems.map({ "\($0)" }) + damaged {
                #expect(said.contains(path), "round \(round)")
                isNamed = true
            }
            if isNamed { namedCount += 1 }
            let isWhole = records.count == 1 && marks.count == 1 && contents.allSatisfy { cache.contains($0.0) }
            // What is neither whole nor named was deleted: nobody can name what is not there.
            #expect(isWhole || isNamed || access(path, F_OK) != 0, "round \(round): \(path)")
            _ = consume cache
            let whole = good[place]
            try disk.write(whole.span.bytes, to: path, mode: 0o600)
        }
        #expect(namedCount > 500, "most damages are noticed by name")
    }

    private func damage(_ path: String, _ good: [UInt8], using random: inout SeededGenerator) throws {
        var bytes = good
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return try disk.remove(path)
        case 1...3: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 4: bytes += [UInt8](repeating: 0, count: Int.random(in: 1...5000, using: &random))
        default: bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        try disk.write(bytes.span.bytes, to: path, mode: 0o600)
    }

    @Test func aRecordUnderAnothersNameIsNamedAndDropped() throws {
        let cache = try ModelCache(directory: temporary.path, budgetBytes: .max)
        try cache.remember(record("a"))
        let folder = temporary.path + "/models/"
        let name = try #require(try disk.list(folder).first)
        let other = String(repeating: "0", count: 64) + ".model"
        let bytes = try disk.read(folder + name, limitBytes: 1 << 20)
        try disk.write(bytes.span.bytes, to: folder + other, mode: 0o600)
        let (records, problems) = try cache.records()
        #expect(records == [record("a")])
        #expect(problems.map { "\($0)".contains(other) } == [true])
    }

    // MARK: A disk that fails, at each call in turn

    @Test(arguments: [EIO, ENOSPC]) func whicheverCallFailsTheCacheGoesOnOnceItIsMended(code: Int32) throws {
        let key = artifactKey(1)
        let other = artifactKey(2)
        var failedCount = 0
        for countdown in 1...40 {
            let folder = TemporaryDirectory()
            do {
                let sound = try ModelCache(directory: folder.path, budgetBytes: .max)
                try sound.store([1, 1, 1], as: key)
                try sound.remember(record("m"))
            }
            let failing = FailingDisk(countdown: countdown, code: code)
            guard let cache = try? ModelCache(directory: folder.path, budgetBytes: .max, disk: failing) else {
                continue
            }
            let steps: [() throws -> Void] = [
                { try cache.mark(mark(2)) }, { try cache.store([2, 2], as: other) },
                { try cache.remember(record("n")) },
                { try cache.unmark(artifactKey(2).artifactDigest) },
                { _ = try cache.evict(keeping: [key.artifactDigest], isDiskFull: true) },
            ]
            for step in steps {
                do { try step() } catch let error as ModelCacheError {
                    failedCount += 1
                    #expect(error.isDiskFull == (code == ENOSPC))
                    #expect("\(error)".contains(folder.path), "\(error)")
                    #expect("\(error)".contains(String(cString: strerror(code))), "\(error)")
                }
                #expect(try cache.content(of: key) == [1, 1, 1], "what is served is there, countdown \(countdown)")
            }
            failing.mend()
            for step in steps { try step() }
            #expect(!cache.contains(other))
            #expect(try cache.records().records.count == 2)
            #expect(try cache.marks().marks.isEmpty)
        }
        #expect(failedCount > 20)
    }

    @Test func aFullDiskMakesRoomOfWhatIsNotInUse() throws {
        let cache = try ModelCache(directory: temporary.path, budgetBytes: .max)
        for number in 1...3 { try cache.store([UInt8(number)], as: artifactKey(UInt8(number))) }
        #expect(try cache.evict(keeping: [artifactKey(2).artifactDigest]).isEmpty)
        #expect(Set(try cache.evict(keeping: [artifactKey(2).artifactDigest], isDiskFull: true)).count == 2)
        #expect(try cache.content(of: artifactKey(2)) == [2])
    }

    @Test func marksReplaceEachOtherAndAreOfOneArtifactEach() throws {
        let cache = try ModelCache(directory: temporary.path, budgetBytes: .max)
        #expect(try cache.marks().marks.isEmpty)
        try cache.mark(mark(1))
        try cache.mark(mark(1, .condemned))
        try cache.mark(mark(2))
        #expect(try cache.marks().marks == [mark(1, .condemned), mark(2)])
        try cache.unmark(artifactKey(1).artifactDigest)
        try cache.unmark(artifactKey(1).artifactDigest)
        #expect(try cache.marks().marks == [mark(2)])
    }
}
