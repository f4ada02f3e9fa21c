/// Where a description was read from.
package struct ModelSource: Hashable, Sendable {
    package enum Format: String, Hashable, Sendable, CaseIterable {
        case xgboostJSON = "xgboost-json"
        case xgboostUBJSON = "xgboost-ubjson"
        case xgboostBinary = "xgboost-binary"
        case xgboostBuffer = "xgboost-buffer"
        case xgboostPickle = "xgboost-pickle"
        case lightGBMText = "lightgbm-text"
        case catBoostJSON = "catboost-json"
        case catBoostBinary = "catboost-cbm"
        case factorizationMachine = "factorization-machine"
        case libFMText = "libfm-text"
        case onnx = "onnx"
    }

    package let format: Format
    /// The version of the library that wrote the file, as it says itself: `1.2.0`; empty when it does not say.
    package let writerVersion: String

    package init(format: Format, writerVersion: String) {
        self.format = format
        self.writerVersion = writerVersion
    }
}
