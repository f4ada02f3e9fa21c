import ModelTypes
import Protobuf

/// Goes through every message of an ONNX file in which a tensor can lie, and refuses the file if one keeps its numbers elsewhere.
///
/// The library would read them from a path that the file names, or, for places of its own, from an address in memory. Nothing is
/// copied; what waits is one reader for each level.
///
/// Source: `onnx/onnx.proto` of the ONNX project, for the numbers of fields.
enum OnnxFileWalk {
    /// As deep as protocol-buffers messages are read at most by Google's own parser.
    private static let depthLimit = 100

    private enum Message {
        case model, graph, function, node, attribute, sparseTensor, tensor

        /// What lies in a field, where tensors can lie in it.
        func inner(_ field: Int) -> Message? {
            switch (self, field) {
            case (.model, 7), (.attribute, 6), (.attribute, 11): .graph
            case (.model, 25): .function
            case (.graph, 1), (.function, 7): .node
            case (.node, 5), (.function, 11): .attribute
            case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparseTensor
            case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2): .tensor
            default: nil
            }
        }
    }

    private static let externalData = 13
    private static let dataLocation = 14

    static func check(_ bytes: UnsafeRawBufferPointer) throws(GraphRuntimeError) {
        var open = [(message: Message.model, reader: unsafe ProtobufReader(bytes))]
        var hasGraph = false
        while var (message, reader) = open.popLast() {
            while try reading(try reader.next()) {
                if let inner = message.inner(reader.field) {
                    let child = try reading(try reader.message())
                    guard open.count < depthLimit else {
                        throw .malformed("messages within messages, at byte \(reader.offset)")
                    }
                    hasGraph = hasGraph || inner == .graph
                    open.append((message, reader))
                    (message, reader) = (inner, child)
                } else if message == .tensor, reader.field == externalData {
                    throw .external(offset: reader.offset)
                } else if message == .tensor, reader.field == dataLocation {
                    guard try reading(try reader.unsigned()) == 0 else { throw .external(offset: reader.offset) }
                } else {
                    try reading(try reader.skip())
                }
            }
        }
        guard hasGraph else { throw .malformed("no graph") }
    }

    private static func reading<Value>(
        _ body: @autoclosure () throws(ProtobufError) -> Value
    ) throws(GraphRuntimeError) -> Value {
        do throws(ProtobufError) { return try body() } catch { throw .malformed("\(error)") }
    }
}
