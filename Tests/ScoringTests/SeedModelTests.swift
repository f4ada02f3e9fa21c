import Foundation
import ModelTypes
import Scoring
import Testing

/// The reference model of the public guidance, which is not part of this repository. LODESTORE_SEED_MODEL names the folder
/// with its `model.tar.gz` and `golden.csv`.
private let seedFolder = ProcessInfo.processInfo.environment["LODESTORE_SEED_MODEL"]

@Suite(
    .enabled(if: seedFolder != nil, "LODESTORE_SEED_MODEL is not set: it names the folder of the reference model"),
    .timeLimit(.minutes(3))) struct SeedModelTests
{
    @Test func scoresTheGoldenRowsBitForBit() throws {
        let folder = try #require(seedFolder)
        let model = try parsed(folder + "/model.tar.gz")
        #expect(model.source == ModelSource(format: .xgboostPickle, writerVersion: "1.2.0"))
        #expect(model.featureNames == ["f0", "f1", "f2", "f3", "f4", "f5", "f6"])
        #expect(model.objective == "binary:logistic" && model.bestIteration == 49)
        let golden = try GoldenRows(csv: folder + "/golden.csv")
        #expect(golden.rowCount == 1000)
        try golden.check(model, outputTolerance: 1e-7)
    }

    @Test func answersTheRequestOfItsUsers() throws {
        let folder = try #require(seedFolder)
        let image = try LoadedImage(try parsed(folder + "/model.tar.gz"))
        #expect(image.predictions([2, 0, 0, 7, 3, 20, 2] as [Float], rowCount: 1) == [0.000847571762278676])
    }
}
