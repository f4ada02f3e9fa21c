/// A graph that is not translated: its bytes, for a library that runs it as it is.
package struct RuntimeGraph: Hashable, Sendable {
    /// What a protocol-buffers message may have.
    package static let byteLimit = Int(Int32.max)

    /// The file.
    package let bytes: [UInt8]
    package let interface: GraphInterface

    package init(bytes: [UInt8], interface: GraphInterface) {
        self.bytes = bytes
        self.interface = interface
    }
}

/// A library that runs graphs. Programs open one where their operator says so; rooms are given it.
package protocol GraphRuntime: Sendable {
    /// A graph that is ready to run. Takes as long as the graph is large: never on a serving loop.
    ///
    /// - Parameter bytes: the file; need not stay.
    func session(of bytes: UnsafeRawBufferPointer) throws(GraphRuntimeError) -> any GraphSession
}

/// One graph in a library's hands. Any number of threads may run it at once.
package protocol GraphSession: AnyObject, Sendable {
    /// As the library tells it.
    var interface: GraphInterface { get }

    /// Predictions, [rowCount, outputCount], of rows [rowCount, featureCount].
    ///
    /// - Throws: what is then in `outputs` is no answer.
    func run(_ rows: Span<Float>, rowCount: Int, into outputs: inout MutableSpan<Double>) throws(GraphRunError)
    func run(_ rows: Span<Double>, rowCount: Int, into outputs: inout MutableSpan<Double>) throws(GraphRunError)
}

/// Why a graph does not become a session. The same file will not become one later either.
package enum GraphRuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are no ONNX file: why.
    case malformed(String)
    /// A tensor whose numbers lie outside of the file, which nothing reads.
    case external(offset: Int)
    case tooLarge
    /// The library's own words.
    case refused(String)
    case interface(GraphInterfaceError)

    package var description: String {
        switch self {
        case .malformed(let what): "the graph is malformed: \(what)"
        case .external(let offset): "the graph keeps weights outside of the file (external data), at byte \(offset)"
        case .tooLarge: "the graph has more than \(RuntimeGraph.byteLimit) bytes"
        case .refused(let message): "ONNX Runtime refuses the graph: \(message)"
        case .interface(let error): "the graph cannot be served: \(error)"
        }
    }
}

/// Why a graph gave no predictions for rows. Others are not touched by it.
package enum GraphRunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The graph does not take these rows: why.
    case rows(String)
    /// The library failed, or answered something else than its graph declares: what it said.
    case failed(String)

    package var description: String {
        switch self {
        case .rows(let reason): "the model does not take these rows: \(reason)"
        case .failed(let reason): "the model failed: \(reason)"
        }
    }
}
