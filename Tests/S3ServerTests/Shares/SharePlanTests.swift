import Foundation
import HTTPKernel
import ObjectEngine
import Testing

@testable import S3Server
@testable import S3Service

@Suite(.timeLimit(.minutes(3))) struct SharePlanTests {
    private static func plan(descriptors: Int, files: Int? = nil, connections: Int = 10_000) -> SharePlan {
        SharePlan(
            memoryBytes: 768 << 20, descriptorCount: descriptors, engineFileCount: files ?? descriptors / 2,
            threadCount: 8, connectionCount: connections)
    }

    @Test(arguments: [256, 512, 1024, 4096, 20_000, 1 << 20])
    func whateverIsHandedOutTheEngineKeepsItsFiles(descriptors: Int) {
        let limits = Self.plan(descriptors: descriptors).descriptors
        #expect(limits.connectionCount >= 1)
        #expect(limits.strangerCount <= limits.connectionCount)
        let left = descriptors - limits.connectionCount - limits.tableCount
        #expect(left >= min(descriptors, descriptors / 2 + SharePlan.reservedDescriptorCount + 8 - 2))
    }

    @Test func whatTheOperatorAllowsIsTheMost() {
        #expect(Self.plan(descriptors: 1 << 20).descriptors.connectionCount == 10_000)
        #expect(Self.plan(descriptors: 1 << 20, connections: 100).descriptors.connectionCount == 100)
        #expect(Self.plan(descriptors: 1 << 20, connections: 100).descriptors.strangerCount == 75)
        #expect(Self.plan(descriptors: 4096).descriptors.connectionCount < 2048)
    }

    /// The table "What a connection may hold" in Docs/Operations.md, cell by cell.
    @Test func theDocumentsStateTheseNumbers() throws {
        let page = try String(contentsOfFile: "Docs/Operations.md", encoding: .utf8)
        let kib = 1 << 10
        let stated: [(String, Int)] = [
            ("a head that is not whole", HTTPLimits().headBytes / kib),
            ("a request of a stranger", (HTTPLimits().headBytes + HTTPLimits.receiveBytes) / kib),
            ("small answers that wait", 2 * TransferCost.freeAnswerBytes / kib),
            ("a download that keeps up", TransferCost.swiftDownloadBytes / kib),
            ("a download piece by piece", TransferCost.steadyDownloadBytes / kib),
            ("a slow download", TransferCost.leanDownloadBytes / kib),
            ("an upload into a table", TransferCost.tableUploadBytes / kib),
            ("an upload through the log", TransferCost.queuedUploadBytes / kib),
            ("a large or slow upload while memory is short", TransferCost.leanUploadBytes / kib),
            ("a follower of the feed", TransferCost.followerBytes / kib),
        ]
        for (state, number) in stated {
            #expect(page.contains("| \(state) | \(number) KiB |"), "| \(state) | \(number) KiB |")
        }
        let plan = Self.plan(descriptors: 1 << 20)
        #expect(page.contains("`--memory-mib` (\(SharePlan.defaultMemoryMiB))"))
        #expect(page.contains("`--max-connections` (\(HTTPLimits().connectionCount))"))
        #expect(page.contains("\(StoreServerConfiguration.windowBytes / kib) KiB"))
        #expect(plan.connectionBytes == (768 << 20) / 20 * 9)
    }

    @Test func theThresholdOfTablesIsTheEngines() {
        #expect(EngineConfiguration(directory: "").ingestThresholdBytes == TransferCost.tableThresholdBytes)
    }

    // MARK: Memory back to the system

    @Test func memoryIsGivenBackWhenMuchLessIsInUseForSomeTime() {
        var upkeep = MemoryUpkeep()
        let megabyte = 1 << 20
        let steps: [(peak: Int, isGivenBack: Bool)] = [
            (10, false), (300, false), (290, false), (20, false), (20, true), (20, false), (30, false), (20, false),
            (100, false), (10, false), (90, false), (10, false), (10, true),
        ]
        for (number, step) in steps.enumerated() {
            #expect(upkeep.look(peakBytes: step.peak * megabyte) == step.isGivenBack, "step \(number)")
        }
    }
}
