import Protobuf

// Field numbers of the messages that are read, as `onnx/onnx.proto` of the ONNX project gives them (IR version 10; numbers never
// change between versions).

enum ONNXModelField {
    static let irVersion = 1
    static let producerName = 2
    static let producerVersion = 3
    static let graph = 7
    static let opsetImport = 8
}

enum ONNXGraphField {
    static let node = 1
    static let initializer = 5
    static let input = 11
    static let output = 12
    static let sparseInitializer = 15
}

enum ONNXNodeField {
    static let input = 1
    static let output = 2
    static let opType = 4
    static let attribute = 5
    static let domain = 7
}

enum ONNXAttributeField {
    static let name = 1
    static let f = 2
    static let i = 3
    static let s = 4
    static let t = 5
    static let floats = 7
    static let ints = 8
    static let strings = 9
    static let type = 20
    /// Values that no operator that is translated takes: graphs, sparse tensors, types, lists of them, and those that a
    /// function's caller gives.
    static let others = [6, 10, 11, 14, 15, 21, 22, 23]
}

enum ONNXTensorField {
    static let dims = 1
    static let dataType = 2
    static let floatData = 4
    static let int32Data = 5
    static let int64Data = 7
    static let name = 8
    static let rawData = 9
    static let doubleData = 10
    static let dataLocation = 14
}

enum ONNXValueField {
    static let name = 1
    static let type = 2
}

enum ONNXTypeField {
    static let tensor = 1
    static let elementType = 1
    static let shape = 2
    static let dimension = 1
    static let dimensionValue = 1
    /// What a value is that is no tensor, by the field that says so.
    static let names = [4: "a sequence", 5: "a map", 7: "opaque", 8: "a sparse tensor", 9: "optional"]
}

/// `TensorProto.DataType`.
enum ONNXElement: Int, Sendable {
    case float = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case string = 8
    case bool = 9
    case double = 11

    var isInteger: Bool { self != .float && self != .double && self != .string }
}

/// What one message may have at most; a file of a few bytes each would otherwise ask for many times its size.
enum ONNXLimits {
    static let nodeCount = 100_000
    static let tensorCount = 100_000
    static let attributeCount = 256
    static let nameCount = 4_096
    static let dimensionCount = 8
    /// Constants that are worked out, and tables that are copied, together: 2^28 numbers.
    static let elementCount = 1 << 28
}

extension ModelFormatError {
    /// What a message breaks, in the words of this layer.
    init(_ error: ProtobufError) {
        switch error {
        case .truncated(let offset): self.init(.truncated, at: offset)
        case .varint(let offset): self.init(.malformed("a number of more than 64 bits"), at: offset)
        case .tag(let offset): self.init(.malformed("a field's number or wire type"), at: offset)
        case .wireType(let field, let offset): self.init(.malformed("the wire type of field \(field)"), at: offset)
        case .text(let offset): self.init(.malformed("text that is not UTF-8"), at: offset)
        }
    }
}

/// Walks a message with the errors of this layer.
func eachField(
    of message: ProtobufReader, _ body: (inout ProtobufReader) throws(ModelFormatError) -> Void
) throws(ModelFormatError) {
    var reader = message
    while try reading(try reader.next()) { try body(&reader) }
}

/// What the protobuf room throws, as an error of this layer.
func reading<Value>(_ body: @autoclosure () throws(ProtobufError) -> Value) throws(ModelFormatError) -> Value {
    do throws(ProtobufError) { return try body() } catch { throw ModelFormatError(error) }
}

extension ProtobufReader {
    /// A string of at most the limit's length.
    mutating func name(limits: ModelLimits) throws(ModelFormatError) -> String {
        let start = offset
        var reader = self
        let bytes = unsafe try reading(unsafe try reader.data())
        self = reader
        guard bytes.count <= limits.maxStringBytes else { throw ModelFormatError(.tooLarge("a string"), at: start) }
        guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
            throw ModelFormatError(.malformed("text that is not UTF-8"), at: start)
        }
        return text
    }
}
