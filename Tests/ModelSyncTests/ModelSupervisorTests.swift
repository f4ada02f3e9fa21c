import ArchiveKit
import Glibc
import Handoff
import Names
import S3Types
import Testing

@testable import ModelSync

/// A real cache, real sealed memory and a real control socket; the bucket is in memory.
@Suite(.timeLimit(.minutes(3))) struct ModelSupervisorTests {
    private let directory = TemporaryDirectory()
    private let bucket = MemoryBucket()

    private func start(_ executors: [TestExecutor]) throws -> RunningSidecar {
        try RunningSidecar(directory, bucket: bucket, executors: executors)
    }

    @Test func aPushedModelGoesLiveAndTheNextReplacesIt() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let (first, second) = (try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz"))
        try bucket.put("click/model.tar.gz", first)
        try await eventually("the first is live") { executor.version("click") == etag(first) }
        try bucket.put("click/model.tar.gz", second)
        try await eventually("the second is live") { executor.version("click") == etag(second) }
        try await eventually("the second is live in the status") { sidecar.status("click")?.version == etag(second) }
        try await eventually("the first is retired") { sidecar.status("click")?.json.contains("draining") == false }
        #expect(sidecar.state("click") == "live")
        #expect(executor.adoptions.map(\.generation) == [1, 2])
        await sidecar.stop()
        executor.stop()
    }

    @Test(arguments: [
        ("click-v1/model.tar.gz", "m/model.tar.gz"), ("click-pickle/model.tar.gz", "m/model.tar.gz"),
        ("click-ubj/model.ubj", "m/model.ubj"), ("click-v2/model.tar.gz", "m/7/model.tar.gz"),
    ])
    func everyKindOfArtifactGoesLive(artifact: String, key: String) async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        try bucket.put(key, try demo(artifact))
        try await eventually("it is live") { executor.version("m") != nil }
        await sidecar.stop()
        executor.stop()
    }

    @Test func theSameBytesPushedAgainAreNoSwap() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { executor.version("click") == etag(bytes) }
        try bucket.put("click/model.tar.gz", bytes)
        // In parts, so that the ETag is another; then under another key.
        try bucket.put("click/model.tar.gz", bytes, etag: "0123456789abcdef0123456789abcdef-3")
        try bucket.put("click/2/model.tar.gz", bytes, etag: "ffff")
        try bucket.put("other/model.tar.gz", bytes)
        try await eventually("a later push is live") { executor.version("other") != nil }
        try await eventually("all was looked at") {
            sidecar.status("click")?.json.contains("\"etag\":\"ffff\"") == true
        }
        try await eventually("nothing runs") { sidecar.state("click") == "live" }
        #expect(executor.adoptions.map(\.model) == ["click", "other"])
        #expect(executor.version("click") == etag(bytes))
        await sidecar.stop()
        executor.stop()
    }

    @Test func aModelOfVersionsServesTheNewestAndFallsBackWhenItIsDeleted() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let (first, second) = (try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz"))
        try bucket.put("click/b/model.tar.gz", first)
        try await eventually("the first is live") { executor.version("click") == etag(first) }
        try bucket.put("click/a/model.tar.gz", second)
        try await eventually("the newer is live, whatever its name") { executor.version("click") == etag(second) }
        try bucket.delete("click/a/model.tar.gz")
        try await eventually("the older is the newest again") { executor.version("click") == etag(first) }
        try bucket.delete("click/b/model.tar.gz")
        try bucket.put("other/model.tar.gz", first)
        try await eventually("the deletion was seen") { executor.version("other") != nil }
        #expect(executor.version("click") == etag(first), "what is live goes on being served")
        await sidecar.stop()
        executor.stop()
    }

    @Test func aStoreWithoutAFeedIsPolled() async throws {
        bucket.removeFeed()
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { executor.version("click") == etag(bytes) }
        await sidecar.stop()
        executor.stop()
    }

    @Test func everyExecutorGetsEveryModel() async throws {
        let executors = [try TestExecutor(directory, name: "a"), try TestExecutor(directory, name: "b")]
        let sidecar = try start(executors)
        let bytes = try demo("click-v1/model.tar.gz")
        for model in ["x", "y"] { try bucket.put("\(model)/model.tar.gz", bytes) }
        for executor in executors {
            for model in ["x", "y"] { try await eventually("live") { executor.version(Name(model)) == etag(bytes) } }
        }
        await sidecar.stop()
        for executor in executors { executor.stop() }
    }

    // MARK: Bad artifacts

    static func badArtifacts() throws -> [(String, [UInt8], String)] {
        let good = try demo("click-v1/model.tar.gz")
        let inner = try #require(try Archive.unpack(good).first).bytes
        func tar(_ path: String, _ content: [UInt8] = [], type: Character = "0", link: String = "") -> [UInt8] {
            var builder = TarBuilder()
            builder.add(path, content, type: type, link: link)
            return builder.finished()
        }
        var two = TarBuilder()
        two.add("a.json", inner)
        two.add("b.json", inner)
        var lyingGolden = TarBuilder()
        lyingGolden.add("xgboost-model.json", inner)
        lyingGolden.add("golden.csv", Array(try changedGolden().utf8))
        var brokenGolden = TarBuilder()
        brokenGolden.add("xgboost-model.json", inner)
        brokenGolden.add("golden.csv", Array("a,b\n".utf8))
        // cposix.system with one argument, as a pickle of protocol 2 says it.
        let callable = Array("\u{2}".utf8) + Array("cposix\nsystem\nU\u{14}touch /tmp/was-here-x\u{85}R.".utf8)
        return [
            ("absolute path", tar("/tmp/xgboost-model", inner), "unsafe path"),
            ("parent path", tar("../xgboost-model", inner), "unsafe path"),
            ("symbolic link", tar("xgboost-model", type: "2", link: "/etc/passwd"), "link"),
            ("hard link", tar("xgboost-model", type: "1", link: "/etc/passwd"), "link"),
            ("device", tar("xgboost-model", type: "3"), "device"),
            ("no model", tar("readme.txt", Array("hello".utf8)), "no model file"),
            ("two models", two.finished(), "2 model files"),
            ("cut archive", Array(good.prefix(good.count / 2)), "archive"),
            ("no archive", Array("hello, this is no archive".utf8), "archive"),
            ("nothing", [], "no bytes"),
            ("cut model", tar("xgboost-model", Array(inner.prefix(inner.count / 2))), "cannot be read"),
            (
                "deep JSON", tar("xgboost-model", [UInt8](repeating: UInt8(ascii: "["), count: 100_000)),
                "cannot be read"
            ),
            ("foreign callable", tar("xgboost-model", [0x80] + callable), "cannot be read"),
            ("golden requests that do not reproduce", lyingGolden.finished(), "does not reproduce"),
            ("golden requests that are none", brokenGolden.finished(), "golden.csv"),
        ]
    }

    /// The golden requests of the demo model with one answer changed.
    private static func changedGolden() throws -> String {
        var lines = String(decoding: try demo("click-v1/golden.csv"), as: UTF8.self).split(separator: "\n").map(
            String.init)
        var fields = lines[40].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        fields[fields.count - 1] = "0.25"
        lines[40] = fields.joined(separator: ",")
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func badArtifactsFailWithAReasonAndChangeNothing() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let good = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", good)
        try await eventually("the good model is live") { executor.version("click") == etag(good) }
        for (number, (claim, bytes, words)) in try Self.badArtifacts().enumerated() {
            try bucket.put("click/model.tar.gz", bytes)
            try bucket.put("bad-\(number)/model.tar.gz", bytes)
            for model in ["click", "bad-\(number)"] {
                let reason = try await sidecar.failure(Name(model))
                #expect(reason.contains(words), "\(claim): \(reason)")
            }
            #expect(sidecar.status("click")?.version == etag(good), "\(claim)")
            #expect(executor.version(Name("bad-\(number)")) == nil, "\(claim)")
            try bucket.put("click/model.tar.gz", good)
            try await eventually("well again after \(claim)") { sidecar.state("click") == "live" }
        }
        #expect(executor.adoptions.count == 1)
        #expect(access("/tmp/was-here-x", F_OK) != 0, "a pickle was run")
        await sidecar.stop()
        executor.stop()
    }

    @Test func goldenRequestsThatReproduceLetTheModelLive() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        var builder = TarBuilder()
        builder.add(
            "xgboost-model.json", try #require(try Archive.unpack(try demo("click-v1/model.tar.gz")).first).bytes)
        builder.add("golden.csv", try demo("click-v1/golden.csv"))
        builder.add("code/inference.py", Array("import os".utf8))
        try bucket.put("click/model.tar.gz", builder.finished())
        try await eventually("it is live") { executor.version("click") != nil }
        await sidecar.stop()
        executor.stop()
    }

    @Test func whatAnExecutorRefusesFailsAndTheLiveModelStays() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let (first, second) = (try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz"))
        try bucket.put("click/model.tar.gz", first)
        try await eventually("the first is live") { sidecar.state("click") == "live" }
        executor.refuseNext("no room")
        try bucket.put("click/model.tar.gz", second)
        let reason = try await sidecar.failure("click")
        #expect(reason.contains("no room"))
        #expect(executor.version("click") == etag(first))
        try bucket.put("click/model.tar.gz", first)
        try await eventually("the first is what is wanted") { sidecar.state("click") == "live" }
        #expect(executor.adoptions.count == 1)
        await sidecar.stop()
        executor.stop()
    }

    // MARK: Ends and beginnings

    @Test func anExecutorThatComesBackIsGivenItsModelsWithoutTheStore() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { sidecar.state("click") == "live" }
        bucket.setDown(true)
        executor.stop()
        let second = try TestExecutor(directory)
        try await eventually("it is handed again") { second.version("click") == etag(bytes) }
        #expect(bucket.fetchCount == 1)
        await sidecar.stop()
        second.stop()
    }

    @Test func aSidecarThatComesBackAdoptsWhatIsLive() async throws {
        let executor = try TestExecutor(directory)
        let first = try start([executor])
        let (old, new) = (try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz"))
        try bucket.put("click/model.tar.gz", old)
        try await eventually("it is live") { first.state("click") == "live" }
        await first.stop()
        #expect(executor.version("click") == etag(old), "the executor serves on alone")

        let second = try start([executor])
        try await eventually("it is adopted") { second.state("click") == "live" }
        try bucket.put("click/model.tar.gz", new)
        try await eventually("the next is live") { executor.version("click") == etag(new) }
        #expect(executor.adoptions.map(\.version) == [etag(old), etag(new)], "the restart was no swap")
        #expect(executor.adoptions.map(\.generation) == [1, 2])
        await second.stop()
        executor.stop()
    }

    @Test func aSidecarWithoutStoreAndExecutorServesFromItsCache() async throws {
        let executor = try TestExecutor(directory)
        let first = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { first.state("click") == "live" }
        await first.stop()
        executor.stop()

        bucket.setDown(true)
        let fresh = try TestExecutor(directory)
        let second = try start([fresh])
        try await eventually("the cache brings it back") { fresh.version("click") == etag(bytes) }
        bucket.setDown(false)
        let next = try demo("click-v2/model.tar.gz")
        try bucket.put("click/model.tar.gz", next)
        try await eventually("the store is followed again") { fresh.version("click") == etag(next) }
        await second.stop()
        fresh.stop()
    }

    @Test(arguments: [".image", ".artifact", ""])
    func aDamagedCacheIsMadeAnew(suffix: String) async throws {
        let executor = try TestExecutor(directory)
        let first = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { first.state("click") == "live" }
        await first.stop()
        executor.stop()
        try cutCacheFiles(endingWith: suffix)

        let fresh = try TestExecutor(directory)
        let second = try start([fresh])
        try await eventually("it is live again") { fresh.version("click") == etag(bytes) }
        try await eventually("and settled") { second.state("click") == "live" }
        await second.stop()
        fresh.stop()
    }

    @Test func withoutItsCacheASidecarTakesBackWhatTheExecutorHolds() async throws {
        let executor = try TestExecutor(directory, name: "a")
        let first = try start([executor])
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { first.state("click") == "live" }
        await first.stop()
        bucket.setDown(true)
        for folder in ["content", "models"] { removeFiles(directory.path + "/cache/" + folder) }

        let other = try TestExecutor(directory, name: "b")
        let second = try start([executor, other])
        try await eventually("another executor gets it too") { other.version("click") == etag(bytes) }
        #expect(executor.adoptions.count == 1)
        bucket.setDown(false)
        try await eventually("the bucket has the same") { second.status("click")?.json.contains("\"etag\"") == true }
        try await eventually("nothing runs") { second.state("click") == "live" }
        #expect(executor.adoptions.count == 1 && other.adoptions.count == 1)
        await second.stop()
        executor.stop()
        other.stop()
    }

    @Test func aStoreThatGoesAwayAndComesBackIsFollowedWithNothingLost() async throws {
        let executor = try TestExecutor(directory)
        let sidecar = try start([executor])
        let (first, second) = (try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz"))
        try bucket.put("click/model.tar.gz", first)
        try await eventually("the first is live") { executor.version("click") == etag(first) }
        for round in 0..<5 {
            bucket.setDown(true)
            try await eventually("the feed is gone") { self.bucket.followerCount == 0 }
            bucket.setDown(false)
            try await eventually("it is followed again") { self.bucket.followerCount == 1 }
            let bytes = round.isMultiple(of: 2) ? second : first
            try bucket.put("click/model.tar.gz", bytes)
            try await eventually("round \(round)") { executor.version("click") == etag(bytes) }
        }
        await sidecar.stop()
        executor.stop()
    }

    private func cutCacheFiles(endingWith suffix: String) throws {
        let folder = directory.path + "/cache/content"
        let stream = try #require(opendir(folder))
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.count > 2, name.hasSuffix(suffix) { truncate(folder + "/" + name, 1000) }
        }
    }

    private func removeFiles(_ folder: String) {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            unlink(folder + "/" + name)
        }
    }
}
