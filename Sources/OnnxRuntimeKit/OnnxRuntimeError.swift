/// Why ONNX Runtime is not there to be used. The operator named the wrong file or an old one: nothing runs without another.
package enum OnnxRuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file is not there or no library: the loader's words.
    case noLibrary(String)
    /// A library, but another one.
    case noEntry
    /// An ONNX Runtime that does not know the interface that is asked for: its version.
    case tooOld(String)
    /// It does not start: its own words.
    case failed(String)

    package var description: String {
        switch self {
        case .noLibrary(let reason): "it cannot be loaded: \(reason)"
        case .noEntry: "it has no OrtGetApiBase"
        case .tooOld(let version):
            "it is version \(version), which lacks version \(OnnxRuntime.interfaceVersion) of the interface"
        case .failed(let message): "it does not start: \(message)"
        }
    }
}

/// A status that is no success, read and released.
struct OnnxFault: Error {
    let code: Int32
    let message: String

    /// What was handed in does not suit the graph.
    static let invalidArgument: Int32 = 2

    /// The message on one line, of a bearable length.
    var text: String {
        String(message.prefix(400).map { $0.isNewline ? " " : $0 })
    }
}
