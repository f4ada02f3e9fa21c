import ModelFormat
import ModelTypes
import Names
import Testing

/// `encoders.json`: what it says, and what it must not say.
@Suite(.timeLimit(.minutes(3))) struct EncodersDocumentTests {
    private static func model(names: [String] = ["site", "hour", "device"]) throws -> ModelDescription {
        let linear = try LinearPredictor(
            featureCount: 3, accumulator: .float32, startValues: [0], weights: [1, 2, 3])
        return ModelDescription(
            predictor: .linear(linear), featureNames: names, transform: .identity, objective: "test",
            bestIteration: nil, source: ModelSource(format: .xgboostJSON, writerVersion: ""))
    }

    private static func parse(
        _ text: String, names: [String] = ["site", "hour", "device"], limits: EncoderLimits = EncoderLimits()
    ) throws(ModelFormatError) -> EncodersDocument.Encoded {
        guard let model = try? model(names: names) else { throw ModelFormatError(.unknownFormat, at: 0) }
        return try EncodersDocument.parse(Array(text.utf8).span, for: model, limits: limits)
    }

    @Test func listsNumberFromZeroAndObjectsName() throws {
        let encoded = try Self.parse(
            #"{"version":1,"encoders":{"device":["b","a","\u00fc"],"site":{"categories":{"x":7,"y":-0.5},"unknown":-1}}}"#
        )
        let encoders = encoded.encoders.encoders
        #expect(encoders.map(\.feature) == [0, 2])
        #expect(encoders[0].categories == [.init(text: "x", number: 7), .init(text: "y", number: -0.5)])
        #expect(encoders[0].unknown == -1 && encoders[1].unknown.isNaN)
        #expect(encoders[1].categories.map(\.number) == [0, 1, 2] && encoders[1].categories[2].text == "ü")
        let missing = try Self.parse(#"{"version":1,"encoders":{"site":{"categories":["x"],"unknown":null}}}"#)
        #expect(missing.encoders.encoders[0].unknown.isNaN)
    }

    @Test func aModelWithoutNamesGetsThem() throws {
        let encoded = try Self.parse(
            #"{"version":1,"features":["p","q","r"],"encoders":{"r":["x"]}}"#, names: [])
        #expect(encoded.model.featureNames == ["p", "q", "r"] && encoded.encoders.encoders[0].feature == 2)
    }

    @Test(arguments: [
        (#"{"encoders":{}}"#, "not supported: version 0"),
        (#"{"version":1,"encoder":{}}"#, "not supported: the key encoder"),
        (#"{"version":1,"encoders":{"nowhere":["a"]}}"#, "inconsistent: the model has no feature nowhere"),
        (#"{"version":1,"encoders":{"site":["a","a"]}}"#, "no encoders of this model: feature 0 has the category a"),
        (#"{"version":1,"encoders":{"site":["a"],"site":["b"]}}"#, "no encoders of this model: feature 0 has two"),
        (#"{"version":1,"encoders":{"site":{"unknown":1}}}"#, "malformed: an encoder without categories"),
        (#"{"version":1,"encoders":{"site":{"categories":["a"],"x":1}}}"#, "not supported: the key encoders.site.x"),
        (#"{"version":1,"encoders":{"site":[1]}}"#, "broken JSON"),
        (#"{"version":1,"encoders":{"site":{"categories":{"a":1e999}}}}"#, "broken JSON"),
        (#"{"version":1,"features":["a","b","c"],"encoders":{}}"#, "inconsistent: features are not the model's"),
        (#"{"version":1,"encoders":{}} 1"#, "broken JSON"),
    ])
    func unsoundDocumentsAreRefused(text: String, message: String) {
        let error = #expect(throws: ModelFormatError.self) { try Self.parse(text) }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }

    @Test func featuresOfOneNameHaveNoEncoder() {
        let error = #expect(throws: ModelFormatError.self) {
            try Self.parse(#"{"version":1,"encoders":{"a":["x"]}}"#, names: ["a", "a", "b"])
        }
        #expect(error?.description.hasPrefix("inconsistent") == true)
        #expect(throws: ModelFormatError.self) { try Self.parse(#"{"version":1,"encoders":{"a":["x"]}}"#, names: []) }
    }

    /// Canonically equivalent spellings are two categories: their bytes differ.
    @Test func categoriesAreBytes() throws {
        let encoded = try Self.parse(#"{"version":1,"encoders":{"site":["\u00e9","e\u0301"]}}"#)
        #expect(encoded.encoders.encoders[0].categories.count == 2)
    }

    @Test func limitsHold() {
        let text = #"{"version":1,"encoders":{"site":["aaaa","bb"]}}"#
        for limits in [
            EncoderLimits(maxBytes: 20), EncoderLimits(maxCategoryCount: 1), EncoderLimits(maxTextBytes: 3),
            EncoderLimits(maxAllTextBytes: 5),
        ] {
            let error = #expect(throws: ModelFormatError.self) { try Self.parse(text, limits: limits) }
            guard case .tooLarge? = error?.reason else {
                Issue.record("another error: \(String(describing: error))")
                continue
            }
        }
        #expect(throws: Never.self) { try Self.parse(text) }
    }
}
