import Foundation
import ModelFormat
import ModelTypes
import PropertyTesting
import Testing

/// A key that no reader knows is refused by its name wherever it is, or is in a map where anyone may put anything; predictions never
/// change.
@Suite(.timeLimit(.minutes(3))) struct UnknownKeyTests {
    /// Maps with keys of anyone's, and what is passed over as a whole, by the end of their places.
    private static let free = ["attributes", "Config", "model_info", "cats", "cat_features_hash"]
    private static let models = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Models"

    private static func files(_ names: String...) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: models).sorted().flatMap { folder in
            names.map { "\(folder)/\($0)" }.filter { FileManager.default.fileExists(atPath: models + "/" + $0) }
        }
    }

    private static func key(_ random: inout SeededGenerator) -> String {
        "unknown_" + String((0..<6).map { _ in Character(UnicodeScalar(UInt8.random(in: 97...122, using: &random))) })
    }

    /// - Parameter isFree: Whether the key may be passed over.
    private func expectRefused(
        _ changed: [UInt8], _ key: String, _ sound: ModelDescription, isFree: Bool, _ place: String
    ) {
        do throws(ModelFormatError) {
            let model = try ModelParser.parse(changed.span)
            #expect(isFree, "\(key) is passed over in \(place)")
            #expect(model.predictor == sound.predictor && model.transform == sound.transform, "\(place)")
            #expect(model.featureNames == sound.featureNames, "\(place)")
        } catch {
            #expect(!isFree && error.description.contains(key), "\(place): \(error)")
        }
    }

    @Test func everyKindOfObjectRefusesThem() throws {
        var random = SeededGenerator.printed()
        var places: Set<String> = []
        for path in try Self.files("model.json", "model.ubj") {
            let bytes = try modelVector(path)
            let sound = try ModelParser.parse(bytes.span)
            let isBinary = path.hasSuffix(".ubj")
            let kinds = Dictionary(grouping: ObjectFinder(bytes, isBinary: isBinary).objects) { $0.place }
            for place in kinds.keys.sorted() {
                let object = kinds[place]!.randomElement(using: &random)!
                let key = Self.key(&random)
                var changed = bytes
                changed.insert(contentsOf: Self.entry(key, object, isBinary, &random), at: object.start)
                let parts = place.split(separator: ".")
                // Tables have names of anyone's and keys of the library's.
                let isFree = place == "ctr_data" || parts.contains { Self.free.contains(String($0)) }
                expectRefused(changed, key, sound, isFree: isFree, "\(path) \(place)")
                places.insert(place)
            }
        }
        #expect(places.count > 40, "\(places.count) kinds of objects")
    }

    /// A key with a value of some kind; in `ctr_data` values are objects.
    private static func entry(
        _ key: String, _ object: ObjectFinder.Object, _ isBinary: Bool, _ random: inout SeededGenerator
    ) -> [UInt8] {
        if isBinary {
            let values = ["Z", "T", "Si\u{1}x", "[]", "{}", "U\u{7}"]
            return [UInt8(ascii: "i"), UInt8(key.utf8.count)] + Array(key.utf8)
                + Array(values.randomElement(using: &random)!.utf8)
        }
        let values = object.place.contains("ctr_data") ? ["{}"] : ["1", "-0.5", "\"x\"", "[1,{\"a\":2}]", "{}", "null"]
        let comma = object.isEmpty ? "" : ","
        return Array("\"\(key)\":\(values.randomElement(using: &random)!)\(comma)".utf8)
    }

    @Test func linesOfLightGBMRefuseThemUpToTheEndOfTheTrees() throws {
        var random = SeededGenerator.printed()
        for path in try Self.files("model.txt") {
            let lines = String(decoding: try modelVector(path), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false)
            let bytes = try modelVector(path)
            let sound = try ModelParser.parse(bytes.span)
            let end = try #require(lines.firstIndex(of: "end of trees"))
            for _ in 0..<8 {
                let key = Self.key(&random)
                let index = Int.random(in: 2..<lines.count, using: &random)
                let changed = lines[..<index] + ["\(key)=1 2 3"] + lines[index...]
                let isFree = index > end
                expectRefused(
                    Array(changed.joined(separator: "\n").utf8), key, sound, isFree: isFree, "\(path) line \(index)")
            }
        }
    }

    @Test(arguments: ["", "version=v5\n"]) func versionsOfLightGBMAreKnown(line: String) throws {
        let text = String(decoding: try modelVector("lightgbm-binary/model.txt"), as: UTF8.self)
        let changed = text.replacing("version=v4\n", with: line)
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(Array(changed.utf8).span) }
        let message = line.isEmpty ? "not supported: a text without version" : "not supported: version v5 of the text"
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }

    @Test func objectivesOfLightGBMRefuseThem() throws {
        let text = String(decoding: try modelVector("lightgbm-binary/model.txt"), as: UTF8.self)
        let changed = text.replacing("objective=binary sigmoid:1.7", with: "objective=binary sigmoid:1.7 unknown:2")
        try #require(changed != text)
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(Array(changed.utf8).span) }
        #expect(error?.description.hasPrefix("not supported: objective binary sigmoid:1.7 unknown:2") == true)
    }

    @Test(arguments: ["protocol4.pickle", "protocol5.pickle"])
    func attributesOfPickledBoostersAreKnown(file: String) throws {
        let bytes = try modelVector("xgboost-logistic/" + file)
        // An empty dictionary and its memo.
        let items = try #require(Data(bytes).range(of: Data([0x7D, 0x94]))).upperBound
        for (key, isFree) in [("unknown_state", false), ("best_score", true)] {
            let item = [0x8C, UInt8(key.utf8.count)] + Array(key.utf8) + [UInt8(ascii: "K"), 1, UInt8(ascii: "s")]
            expectRefused(
                Array(bytes[..<items]) + item + bytes[items...], key, try ModelParser.parse(bytes.span),
                isFree: isFree, file)
        }
    }

    /// Structures of the binary model have no keys, but room for more fields.
    @Test(arguments: ["old-logistic", "old-dart", "old-linear"])
    func whatBinaryModelsKeepInReserveIsZero(name: String) throws {
        var random = SeededGenerator.printed(name)
        let bytes = try modelVector(name + "/model.bin")
        for _ in 0..<20 {
            var changed = bytes
            changed[4 + Int.random(in: 36..<136, using: &random)] = UInt8.random(in: 1...255, using: &random)
            let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(changed.span) }
            #expect(error?.description.contains("kept in reserve") == true, "\(String(describing: error))")
        }
        let longer = bytes + [0]
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(longer.span) }
        #expect(error?.description.contains("bytes behind the binary model") == true)
    }

    @Test func aKeyGivenTwiceIsRefused() throws {
        let text = String(decoding: try modelVector("xgboost-dart/model.json"), as: UTF8.self)
        let changed = text.replacing(#""weight_drop":["#, with: #""weight_drop":[],"weight_drop":["#)
        try #require(changed != text)
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(Array(changed.utf8).span) }
        #expect(error?.description.contains("gradient_booster.weight_drop, given twice") == true)
    }
}
