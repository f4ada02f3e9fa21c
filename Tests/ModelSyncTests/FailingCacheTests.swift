import DurableFiles
import Glibc
import ModelCache
import Names
import Testing

@testable import ModelSync

/// A sidecar whose cache lies on a disk that fails and is mended.
@Suite(.timeLimit(.minutes(1))) struct FailingCacheTests {
    private let directory = TemporaryDirectory()
    private let bucket = MemoryBucket()

    @Test(arguments: [EIO, ENOSPC]) func whicheverChangeFailsWhatIsLiveStaysAndTheNextGoesLiveByItself(
        code: Int32
    ) async throws {
        let disk = FailingDisk(code: code)
        let executor = try TestExecutor(directory)
        let sidecar = try RunningSidecar(directory, bucket: bucket, executors: [executor], disk: disk)
        let versions = [try demo("click-v1/model.tar.gz"), try demo("click-v2/model.tar.gz")]
        try bucket.put("click/model.tar.gz", versions[0])
        try await eventually("the first is live") { sidecar.state("click") == "live" }
        // A preparation makes a dozen changes; those of content that is kept already fall away.
        for countdown in 1...12 {
            let next = versions[countdown % 2]
            let before = disk.changeCount
            disk.fail(countdown: countdown)
            try bucket.put("click/model.tar.gz", next)
            try await eventually("it fails or is live") {
                executor.version("click") == etag(next) || disk.changeCount >= before + countdown
            }
            if executor.version("click") != etag(next) {
                #expect(executor.version("click") == etag(versions[(countdown + 1) % 2]), "what is live stays")
                if let reason = sidecar.status("click")?.reason {
                    #expect(
                        reason.contains(String(cString: strerror(code))) && reason.contains(directory.path), "\(reason)"
                    )
                }
            }
            disk.mend()
            try await eventually("live by itself, \(countdown)") {
                executor.version("click") == etag(next) && sidecar.state("click") == "live"
            }
        }
        await sidecar.stop()
        executor.stop()
    }

    @Test func whatADiskDidNotTakeIsRememberedLater() async throws {
        let disk = FailingDisk()
        let executor = try TestExecutor(directory)
        let first = try RunningSidecar(directory, bucket: bucket, executors: [executor], disk: disk)
        let bytes = try demo("click-v1/model.tar.gz")
        try bucket.put("click/model.tar.gz", bytes)
        try await eventually("it is live") { first.state("click") == "live" }
        disk.fail(countdown: 1)
        // Of the same bytes under another ETag only the record changes.
        let before = disk.changeCount
        try bucket.put("click/model.tar.gz", bytes, etag: "ffff")
        try await eventually("the record was not taken") { disk.changeCount > before }
        disk.mend()
        let records = directory.path + "/cache/models"
        try await eventually("it is tried again") {
            // The sidecar has the cache open; its files can be looked at all the same.
            let names = (try? SystemDisk().list(records)) ?? []
            return names.contains { name in
                let bytes = (try? SystemDisk().read(records + "/" + name, limitBytes: 1 << 20)) ?? []
                return String(decoding: bytes, as: UTF8.self).contains("ffff")
            }
        }
        await first.stop()
        executor.stop()
        let cache = try ModelCache(directory: directory.path + "/cache", budgetBytes: 1 << 30)
        #expect(try cache.records().records.map(\.etag) == ["ffff"])
    }
}
