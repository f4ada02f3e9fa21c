import Names
import Telemetry

/// What the protocol tells of a model, and what its requests are held to. Made when a model is loaded, off the loops.
///
/// A class for the reason that ``RowSchema`` is one: each event loop has one of its own.
package final class ModelSignature: Sendable {
    package let name: String
    package let version: String
    /// What `platform` says: `lodestore_xgboost-json`.
    package let platform: String
    /// What the fields of a row are.
    package let schema: RowSchema
    /// Predictions per row.
    package let outputCount: Int
    /// The type in which features are compared; a tensor of it is read without any rounding.
    package let inputType: TensorDatatype
    /// The type of the predictions.
    package let outputType: TensorDatatype
    /// What each prediction of a row is the score of, or none.
    package let classLabels: [String]
    /// `{"model_name":"m","model_version":"7"`, with which every answer begins.
    let answerStart: [UInt8]
    /// `,"parameters":{…}` of the input in the REST metadata, or nothing: what the features are called and which take texts.
    let inputParameters: String

    /// The one tensor that holds all features; any other name is taken too.
    package static let inputName = "input"
    /// The one output.
    package static let outputName = "predict"

    /// - Parameter isInputDouble: features are compared as FP64, else as FP32; likewise for the output.
    package init(
        name: String, version: String, sourceFormat: String, schema: RowSchema, outputCount: Int,
        classLabels: [String] = [],
        isInputDouble: Bool, isOutputDouble: Bool
    ) {
        precondition(classLabels.isEmpty || classLabels.count == outputCount, "a label for each prediction or none")
        self.name = name
        self.version = version
        self.platform = "lodestore_" + sourceFormat
        self.schema = schema
        self.outputCount = outputCount
        self.classLabels = classLabels
        self.inputType = isInputDouble ? .fp64 : .fp32
        self.outputType = isOutputDouble ? .fp64 : .fp32
        self.inputParameters = InputParameters.text(schema)
        self.answerStart = Array(
            "{\"model_name\":\(jsonQuoted(name)),\"model_version\":\(jsonQuoted(version))".utf8)
    }

    package var featureCount: Int { schema.featureCount }

    func featureName(_ feature: Int) -> String { schema.tensorName(feature) }

    /// Where a tensor of one feature goes: by the feature's name; by `f0`, `f1`, … where names do not say which.
    ///
    /// - Parameter guess: the feature that is likely meant; any number.
    func column(named name: String, guess: Int) -> Int? {
        var name = name
        if let names = schema.names { return name.withUTF8 { unsafe names.feature(named: $0, guess: guess) } }
        guard name.hasBytePrefix("f"), let number = Int(name.dropFirst()), (0..<featureCount).contains(number),
            name.hasSameBytes(as: "f\(number)")
        else { return nil }
        return number
    }
}
