import ModelFormat
import ModelTypes
import PropertyTesting
import Testing

/// Every format for a bounded time: a changed file is refused with a place in it, or is a sound model.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct FormatFuzzTests {
    @Test(arguments: [
        ["xgboost-logistic/model.json", "xgboost-categorical/model.json", "xgboost-dart/model.json"],
        ["xgboost-logistic/model.ubj", "xgboost-categorical/model.ubj", "xgboost-linear/model.ubj"],
        ["old-logistic/model.bin", "old-dart/model.bin", "old-linear/model.bin"],
        ["xgboost-logistic/serialized.bin"],
        [
            "xgboost-logistic/protocol2.pickle", "xgboost-logistic/protocol3.pickle",
            "xgboost-logistic/protocol5.pickle",
        ],
        ["lightgbm-binary/model.txt", "lightgbm-categorical/model.txt", "lightgbm-multiclass/model.txt"],
        ["catboost-logloss/model.json", "catboost-lossguide/model.json", "catboost-one-hot/model.json"],
        ["catboost-combinations/model.json", "catboost-ctr-gpu/model.json", "catboost-ctr-classes/model.json"],
        ["catboost-combinations/model.cbm", "catboost-ctr-gpu/model.cbm", "catboost-ctr-classes/model.cbm"],
        ["catboost-logloss/model.cbm", "catboost-lossguide/model.cbm", "catboost-ctr/model.cbm"],
        ["fm-regression/model.json", "fm-classification/model.json"],
        ["fm-libfm/model.libfm"],
    ])
    func changedModelsAreRefusedOrSound(paths: [String]) throws {
        let corpus = try paths.map { try modelVector($0) }
        Fuzz.run(paths[0], corpus: corpus) { bytes in
            expectRefusedOrSound(bytes) {
                let model = try ModelParser.parse(bytes.span)
                #expect(model.marginCount > 0 && model.featureCount >= 0)
            }
        }
    }

    /// The smallest files, so that changes hit what matters.
    @Test func changedBinaryModelsOfOneTreeAreRefusedOrSound() {
        Fuzz.run(corpus: [HostileModelTests.binaryModel()]) { bytes in
            expectRefusedOrSound(bytes) { _ = try ModelParser.parse(bytes.span) }
        }
    }

    @Test func changedEncodersAreRefusedOrSound() throws {
        let file = try modelVector("fm-classification/model.json")
        let model = try ModelParser.parse(file.span)
        let corpus = [
            #"{"version":1,"encoders":{"column 0":["a","b"],"column 7":{"categories":{"\u00e9":-2.5},"unknown":0}}}"#,
            #"{"version":1,"encoders":{"column 24":{"categories":["",",","\"q\""],"unknown":null}}}"#,
        ].map { Array($0.utf8) }
        Fuzz.run(corpus: corpus) { bytes in
            expectRefusedOrSound(bytes) {
                let encoded = try EncodersDocument.parse(bytes.span, for: model)
                #expect(encoded.encoders.encoders.allSatisfy { $0.feature < model.featureCount })
            }
        }
    }

    private func expectRefusedOrSound(_ bytes: [UInt8], _ parse: () throws -> Void) {
        do {
            try parse()
        } catch let error as ModelFormatError {
            #expect(error.offset <= bytes.count && !error.description.isEmpty, "\(error)")
        } catch {
            Issue.record("another error: \(error)")
        }
    }
}
