import Telemetry

/// What the protocol tells of a model, and what its requests are held to. Made once for each generation, off the loops.
package struct ModelSignature: Sendable {
    package let name: String
    package let version: String
    /// What `platform` says: `lodestore_xgboost-json`.
    package let platform: String
    package let featureCount: Int
    /// Predictions per row.
    package let outputCount: Int
    /// The type in which features are compared; a tensor of it is read without any rounding.
    package let inputType: TensorDatatype
    /// The type of the predictions.
    package let outputType: TensorDatatype
    /// Where a tensor of one feature goes, by the feature's name.
    private let columns: [String: Int]
    /// `{"model_name":"m","model_version":"7"`, with which every answer begins.
    let answerStart: [UInt8]

    /// The one tensor that holds all features; any other name is taken too.
    package static let inputName = "input"
    /// The one output.
    package static let outputName = "predict"

    /// - Parameters:
    ///   - featureNames: one for each feature, or none: then they are `f0`, `f1`, …
    ///   - isInputDouble: features are compared as FP64, else as FP32; likewise for the output.
    package init(
        name: String, version: String, sourceFormat: String, featureCount: Int, featureNames: [String],
        outputCount: Int, isInputDouble: Bool, isOutputDouble: Bool
    ) {
        precondition(featureNames.isEmpty || featureNames.count == featureCount, "a name for each feature or none")
        self.name = name
        self.version = version
        self.platform = "lodestore_" + sourceFormat
        self.featureCount = featureCount
        self.outputCount = outputCount
        self.inputType = isInputDouble ? .fp64 : .fp32
        self.outputType = isOutputDouble ? .fp64 : .fp32
        let names = featureNames.isEmpty ? (0..<featureCount).map { "f\($0)" } : featureNames
        // Of two features of one name the first has it; the second can be reached in a whole row only.
        self.columns = Dictionary(zip(names, 0...)) { first, _ in first }
        self.answerStart = Array(
            "{\"model_name\":\(jsonQuoted(name)),\"model_version\":\(jsonQuoted(version))".utf8)
    }

    func column(named name: String) -> Int? { columns[name] }

    /// Elements of the output for so many rows.
    package func outputElementCount(rowCount: Int) -> Int { rowCount * outputCount }
}
