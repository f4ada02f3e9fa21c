import ArchiveKit
import Names
import PropertyTesting
import S3Types
import Testing

@testable import ModelSync

/// Models whose names differ in their bytes alone are two models.
@Suite(.timeLimit(.minutes(2))) struct ModelNameTests {
    @Test func keysOfTwinsNameTwoModels() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<200 {
            let twins = Twins.random(using: &random)
            let names = [twins.0, twins.1].map { Name(String($0.unicodeScalars.filter { $0 != "/" })) }
            let objects = try names.map {
                BucketObject(
                    key: try ObjectKey($0.text + "/model.bin"), etag: try ETag("e"), sizeBytes: 1, modified: "2026")
            }
            let newest = ArtifactReference.newest(of: objects, prefix: "")
            #expect(newest.count == 2 && names.allSatisfy { newest[$0]?.key.text == $0.text + "/model.bin" })
        }
    }

    /// To `split` and `hasSuffix` a mark behind a character makes another of it.
    @Test func marksHideNeitherSlashesNorEndings() throws {
        let marked = try #require(ArtifactKey(try ObjectKey("m/\u{338}1/\u{338}x.bin"), prefix: ""))
        #expect(marked.model == "m")
        #expect(ArtifactKey(try ObjectKey("m/x\u{301}.bin"), prefix: "") != nil)
        #expect(ArtifactKey(try ObjectKey("m/.\u{301}bin"), prefix: "") == nil)
        let bundle = try Bundle(members: [
            ArchiveMember(path: "a/\u{338}xgboost-model\u{301}.json", bytes: [1]),
            ArchiveMember(path: "x/\u{338}other.json", bytes: [2]),
            ArchiveMember(path: "a/xgboost-model.json", bytes: [3]),
        ])
        #expect(bundle.model == [3])
    }

    @Test func twinsGoLiveEachAsWhatWasPushed() async throws {
        let directory = TemporaryDirectory()
        let bucket = MemoryBucket()
        let executor = try TestExecutor(directory)
        let sidecar = try RunningSidecar(directory, bucket: bucket, executors: [executor])
        let versions = try [demo("click-v1/model.tar.gz"), demo("click-v2/model.tar.gz")]
        let names: [(Name, Name)] = [("caf\u{E9}", "cafe\u{301}"), ("K", "\u{212A}")]
        for (first, second) in names {
            try bucket.put(first.text + "/model.tar.gz", versions[0])
            try bucket.put(second.text + "/model.tar.gz", versions[1])
        }
        for (first, second) in names {
            try await eventually("\(first) is live") { executor.version(first) == etag(versions[0]) }
            try await eventually("\(second) is live") { executor.version(second) == etag(versions[1]) }
            try await eventually("both are in the status") {
                sidecar.status(first)?.version == etag(versions[0])
                    && sidecar.status(second)?.version == etag(versions[1])
            }
        }
        await sidecar.stop()
        // A restarted sidecar hands over what its cache remembers, twins apart.
        bucket.setDown(true)
        executor.stop()
        let next = try TestExecutor(directory, name: "next")
        let restarted = try RunningSidecar(directory, bucket: bucket, executors: [next])
        for (first, second) in names {
            try await eventually("\(first) is live again") { next.version(first) == etag(versions[0]) }
            try await eventually("\(second) is live again") { next.version(second) == etag(versions[1]) }
        }
        await restarted.stop()
        next.stop()
    }
}
