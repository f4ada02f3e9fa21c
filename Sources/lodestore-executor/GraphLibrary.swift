import Launch
import OnnxRuntimeKit

/// The library that `--onnx-runtime` names.
enum GraphLibrary {
    static let key = "onnx-runtime"

    /// - Returns: nil without a path: then no graphs are run.
    static func opened(_ path: String?) throws(ConfigurationError) -> OnnxRuntime? {
        guard let path else { return nil }
        do throws(OnnxRuntimeError) {
            return try OnnxRuntime(path: path)
        } catch {
            throw .unacceptable(
                key: key, value: path, accepted: "the path of ONNX Runtime's libonnxruntime.so, but \(error)")
        }
    }
}
