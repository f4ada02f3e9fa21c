import Foundation
import Testing

@testable import ModelImage
@testable import ModelSync

/// Bundles of a CatBoost model over columns of categories: golden requests ask in texts.
@Suite(.timeLimit(.minutes(3))) struct CategoryBundleTests {
    private static func vector(_ file: String) throws -> [UInt8] {
        let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Models/"
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder + "catboost-combinations/" + file)))
    }

    private static func artifact(
        _ model: String = "model.cbm", golden: [UInt8], encoders: String? = nil
    ) throws -> [UInt8] {
        var archive = TarBuilder()
        archive.add(model, try vector(model))
        if let encoders { archive.add("encoders.json", Array(encoders.utf8)) }
        archive.add("golden.csv", golden)
        return archive.finished()
    }

    @Test(arguments: ["model.cbm", "model.json"]) func goldenRequestsAskInTexts(model: String) throws {
        let golden = try Self.vector("golden.csv")
        #expect(throws: Never.self) { _ = try OfflineCompiler.image(of: Self.artifact(model, golden: golden)) }
    }

    @Test func aCategoryThatDoesNotReproduceIsSaid() throws {
        // Every text of the third column becomes one that training never saw.
        let lines = String(decoding: try Self.vector("golden.csv"), as: UTF8.self).split(separator: "\n")
        let changed = lines.enumerated().map { number, line -> String in
            var fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if number > 0 { fields[4] = "never seen" }
            return fields.joined(separator: ",")
        }
        let golden = Array(changed.joined(separator: "\n").utf8)
        do {
            _ = try OfflineCompiler.image(of: Self.artifact(golden: golden))
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("does not reproduce"), "\(error)")
        }
    }

    @Test func anEncoderForACategoryOfTheModelIsRefused() throws {
        let golden = try Self.vector("golden.csv")
        let encoders = #"{"version":1,"encoders":{"4":["c1","c5"]}}"#
        do {
            _ = try OfflineCompiler.image(of: Self.artifact(golden: golden, encoders: encoders))
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("encodedCategories(feature: 4)"), "\(error)")
        }
    }
}
