import Foundation
import JSONReader
import ModelFormat
import ModelImage
import ModelTypes
import Scoring
import Testing

/// The reference model of the public guidance, which is not part of this repository. LODESTORE_SEED_MODEL names the folder
/// with its `model.tar.gz` and `golden.csv`.
private let seedFolder = ProcessInfo.processInfo.environment["LODESTORE_SEED_MODEL"]

@Suite(.enabled(if: seedFolder != nil, "LODESTORE_SEED_MODEL is not set: it names the folder of the reference model"))
struct SeedModelTests {
    @Test func scoresTheGoldenRowsBitForBit() throws {
        let folder = try #require(seedFolder)
        let artifact = try run("/usr/bin/tar", ["-xzOf", folder + "/model.tar.gz", "xgboost-model"])
        let model = try ModelParser.parse(artifact.span)
        #expect(model.source == ModelSource(format: .xgboostPickle, writerVersion: "1.2.0"))
        #expect(model.featureNames == ["f0", "f1", "f2", "f3", "f4", "f5", "f6"])
        #expect(model.objective == "binary:logistic" && model.bestIteration == 49)
        let golden = try GoldenRows(csv: folder + "/golden.csv", marginCount: 1, outputCount: 1)
        #expect(golden.rowCount == 1000)
        try golden.check(model, outputTolerance: 1e-7)
    }

    @Test func answersTheRequestOfItsUsers() throws {
        let folder = try #require(seedFolder)
        let artifact = try run("/usr/bin/tar", ["-xzOf", folder + "/model.tar.gz", "xgboost-model"])
        let image = try LoadedImage(try ModelParser.parse(artifact.span))
        #expect(image.predictions([2, 0, 0, 7, 3, 20, 2] as [Float], rowCount: 1) == [0.000847571762278676])
    }

    private func run(_ path: String, _ arguments: [String]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return Array(data)
    }
}
