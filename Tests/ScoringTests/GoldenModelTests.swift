import Foundation
import ModelFormat
import ModelTypes
import Testing

/// Every model in Data/ scores as the library that wrote it: margins to the bit.
@Suite(.timeLimit(.minutes(3))) struct GoldenModelTests {
    @Test(arguments: [
        "click-v1/model.tar.gz", "click-v2/model.tar.gz", "click-ubj/model.ubj", "click-pickle/model.tar.gz",
    ])
    func demonstrationModelsScoreAsTheirLibrary(path: String) throws {
        let path = dataFolder + "/Models/" + path
        let model = try parsed(path)
        #expect(model.featureNames.count == 14 && model.featureNames[0] == "hour")
        let golden = try GoldenRows(csv: (path as NSString).deletingLastPathComponent + "/golden.csv")
        #expect(golden.rowCount == 500)
        try golden.check(model, outputTolerance: 1e-7)
    }

    @Test(arguments: [
        "logistic", "softprob", "softmax", "regression", "poisson", "hinge", "dart", "linear", "categorical", "targets",
    ])
    func xgboostModelsScoreAsXGBoost(name: String) throws {
        let folder = dataFolder + "/Vectors/Models/xgboost-" + name
        let golden = try GoldenRows(csv: folder + "/golden.csv")
        let json = try parsed(folder + "/model.json")
        try golden.check(json, outputTolerance: 1e-6)
        let ubjson = try parsed(folder + "/model.ubj")
        #expect(ubjson.predictor == json.predictor && ubjson.transform == json.transform)
        #expect(json.source == ModelSource(format: .xgboostJSON, writerVersion: "3.2.0"))
        #expect(ubjson.source == ModelSource(format: .xgboostUBJSON, writerVersion: "3.2.0"))
    }

    @Test(arguments: ["logistic", "softprob", "dart", "linear", "poisson"])
    func modelsOfXGBoost12ScoreAsItDid(name: String) throws {
        let folder = dataFolder + "/Vectors/Models/old-" + name
        let golden = try GoldenRows(csv: folder + "/golden.csv")
        let binary = try parsed(folder + "/model.bin")
        #expect(binary.source.format == .xgboostBinary)
        try golden.check(binary, outputTolerance: 1e-6)
        #expect(try parsed(folder + "/model.json").predictor == binary.predictor)
    }

    @Test(arguments: [
        "binary", "multiclass", "ova", "categorical", "zero-missing", "no-missing", "dart", "forest", "poisson", "sqrt",
        "cross-entropy", "cross-entropy-lambda",
    ])
    func lightGBMModelsScoreAsLightGBM(name: String) throws {
        let folder = dataFolder + "/Vectors/Models/lightgbm-" + name
        let model = try parsed(folder + "/model.txt")
        #expect(model.source == ModelSource(format: .lightGBMText, writerVersion: "v4"))
        try GoldenRows(csv: folder + "/golden.csv").check(model, outputTolerance: 1e-15)
    }

    /// The library's own exponential is an approximation in vectors, hence the tolerance of predictions.
    @Test(arguments: [
        "logloss", "cross-entropy", "rmse", "scaled", "deep", "poisson", "tweedie", "multiclass", "ova", "targets",
        "depthwise", "lossguide",
    ])
    func catBoostModelsScoreAsCatBoost(name: String) throws {
        let folder = dataFolder + "/Vectors/Models/catboost-" + name
        let golden = try GoldenRows(csv: folder + "/golden.csv")
        let binary = try parsed(folder + "/model.cbm")
        #expect(binary.source.format == .catBoostBinary)
        try golden.check(binary, outputTolerance: 1e-15)
        let document = try parsed(folder + "/model.json")
        #expect(document.source.format == .catBoostJSON)
        #expect(document.predictor == binary.predictor && document.featureNames == binary.featureNames)
        #expect(document.transform == binary.transform && document.objective == binary.objective)
    }

    /// Columns 3 to 5 hold texts; some of the golden rows ask for categories that training never saw, and for the empty text.
    @Test(arguments: [
        "one-hot", "ctr", "combinations", "ctr-kinds", "ctr-classes", "ctr-depthwise", "ctr-gpu",
    ])
    func catBoostModelsOfCategoriesScoreAsCatBoost(name: String) throws {
        let folder = dataFolder + "/Vectors/Models/catboost-" + name
        let golden = try GoldenRows(csv: folder + "/golden.csv", texts: [3, 4, 5])
        let binary = try parsed(folder + "/model.cbm")
        try golden.check(binary, outputTolerance: 1e-15)
        let document = try parsed(folder + "/model.json")
        #expect(document.predictor == binary.predictor && document.featureNames == binary.featureNames)
        guard case .forest(let forest) = binary.predictor else { throw CocoaError(.fileReadCorruptFile) }
        #expect(forest.computed.textColumns == [3, 4, 5] && forest.computed.columnCount > 0)
    }

    @Test(arguments: ["protocol2.pickle", "protocol3.pickle", "protocol4.pickle", "protocol5.pickle", "serialized.bin"])
    func wrappedModelsAreTheModelInside(file: String) throws {
        let folder = dataFolder + "/Vectors/Models/xgboost-logistic"
        let plain = try parsed(folder + "/model.json")
        let wrapped = try parsed(folder + "/" + file)
        #expect(wrapped.predictor == plain.predictor)
        #expect(wrapped.source.writerVersion == "3.2.0")
    }
}

let dataFolder = (#filePath as NSString).deletingLastPathComponent + "/../../Data"

/// The model in a file, or in the only member of a tar.gz.
func parsed(_ path: String) throws -> ModelDescription {
    let artifact = path.hasSuffix(".gz") ? try unpacked(path) : Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    return try ModelParser.parse(artifact.span)
}

private func unpacked(_ path: String) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
    process.arguments = ["--extract", "--gzip", "--to-stdout", "--file", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return Array(data)
}
