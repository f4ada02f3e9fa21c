import Protobuf

/// What one kind of message holds besides the fields that are read: fields that no prediction depends on. Any other is refused by
/// its number, since it may be one that predictions depend on.
///
/// Source: `onnx/onnx.proto` of the ONNX project, up to IR version 13.
struct ONNXMessage {
    private let name: String
    private let withoutEffect: Set<Int>

    /// Names, versions, texts for people, key-value pairs of anyone's, and how to train.
    static let model = ONNXMessage(name: "ModelProto", withoutEffect: [1, 4, 5, 6, 8, 14, 20, 26])
    /// Names, texts, types that follow from the operators, and notes on how numbers were quantised.
    static let graph = ONNXMessage(name: "GraphProto", withoutEffect: [2, 10, 13, 14, 16])
    /// Name and texts; on which device it is to run.
    static let node = ONNXMessage(name: "NodeProto", withoutEffect: [3, 6, 9, 10])
    static let attribute = ONNXMessage(name: "AttributeProto", withoutEffect: [13])
    /// Texts; strings and uint64 are of tensors that are not read, and files of their own are refused by where they lie.
    static let tensor = ONNXMessage(name: "TensorProto", withoutEffect: [6, 11, 12, 13, 16])
    static let value = ONNXMessage(name: "ValueInfoProto", withoutEffect: [3, 4])
    static let type = ONNXMessage(name: "TypeProto", withoutEffect: [6])
    static let tensorType = ONNXMessage(name: "TypeProto.Tensor", withoutEffect: [])
    static let shape = ONNXMessage(name: "TensorShapeProto", withoutEffect: [])
    /// A dimension's name and what it stands for.
    static let dimension = ONNXMessage(name: "TensorShapeProto.Dimension", withoutEffect: [2, 3])

    func passOver(_ field: inout ProtobufReader) throws(ModelFormatError) {
        guard withoutEffect.contains(field.field) else {
            throw ModelFormatError(.unsupported("field \(field.field) of \(name)"), at: field.offset)
        }
        try reading(try field.skip())
    }
}
