import ModelTypes
import Names
import Protobuf

/// A model in the ONNX format: `ModelProto`, read field by field; nothing in it is run.
///
/// Source: `onnx/onnx.proto` of the ONNX project.
struct ONNXFile {
    struct Input {
        let name: String
        let element: ONNXElement
        /// What follows the rows: [] where the input has one number a row; nil where a dimension is not given.
        let shape: [Int?]
    }

    struct Output {
        let name: String
        /// Nil where it is no tensor: a sequence of maps.
        let element: ONNXElement?
    }

    private(set) var producer = ""
    private(set) var inputs: [Input] = []
    private(set) var outputs: [Output] = []
    private(set) var nodes: [ONNXNode] = []
    private(set) var initializers: [Name: ONNXTensor] = [:]
    /// Initializers of a type that is not read.
    private(set) var otherInitializers: Set<Name> = []
    private var budget = ONNXLimits.elementCount
    private var hasGraph = false

    /// Known writers begin with `ir_version`, field 1, a small varint; then comes one of the fields behind it.
    static func isFormat(_ cursor: ByteCursor) -> Bool {
        guard cursor.count > 4, cursor[0] == 0x08, cursor[1] > 0, cursor[1] < 0x80 else { return false }
        return [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(cursor[2])
    }

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        let file = try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try unsafe ONNXFile(ProtobufReader(bytes, origin: cursor.offset), limits: limits)
        }
        var translation = try ONNXTranslation(file, limits: limits, end: cursor.offset + cursor.remainingCount)
        return try translation.description()
    }

    private init(_ message: ProtobufReader, limits: ModelLimits) throws(ModelFormatError) {
        var end = message.offset
        var (name, version) = ("", "")
        try eachField(of: message) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXModelField.producerName: name = try field.name(limits: limits)
            case ONNXModelField.producerVersion: version = try field.name(limits: limits)
            case ONNXModelField.graph:
                guard !hasGraph else { throw ModelFormatError(.inconsistent("a second graph"), at: field.offset) }
                hasGraph = true
                try readGraph(try reading(try field.message()), limits: limits)
            default: try ONNXMessage.model.passOver(&field)
            }
            end = field.offset
        }
        guard hasGraph else { throw ModelFormatError(.truncated, at: end) }
        producer = [name, version].filter { !$0.isEmpty }.joined(separator: " ")
    }

    private mutating func readGraph(_ message: ProtobufReader, limits: ModelLimits) throws(ModelFormatError) {
        try eachField(of: message) { (field) throws(ModelFormatError) in
            func inner(_ field: inout ProtobufReader) throws(ModelFormatError) -> ProtobufReader {
                var reader = field
                defer { field = reader }
                return try reading(try reader.message())
            }
            switch field.field {
            case ONNXGraphField.node:
                guard nodes.count < ONNXLimits.nodeCount else {
                    throw ModelFormatError(.tooLarge("operators"), at: field.offset)
                }
                nodes.append(try ONNXNode(try inner(&field), limits: limits, budget: &budget))
            case ONNXGraphField.initializer:
                let (name, tensor) = try ONNXTensor.read(try inner(&field), limits: limits, budget: &budget)
                guard initializers.count + otherInitializers.count < ONNXLimits.tensorCount else {
                    throw ModelFormatError(.tooLarge("tensors"), at: field.offset)
                }
                if let tensor { initializers[Name(name)] = tensor } else { otherInitializers.insert(Name(name)) }
            case ONNXGraphField.sparseInitializer:
                throw ModelFormatError(.unsupported("sparse initializers"), at: field.offset)
            case ONNXGraphField.input:
                guard inputs.count < limits.maxFeatureCount else {
                    throw ModelFormatError(.tooLarge("inputs"), at: field.offset)
                }
                let (name, element, shape) = try Self.value(try inner(&field), limits: limits)
                inputs.append(Input(name: name, element: element ?? .string, shape: shape))
            case ONNXGraphField.output:
                guard outputs.count < ONNXLimits.nameCount else {
                    throw ModelFormatError(.tooLarge("outputs"), at: field.offset)
                }
                let (name, element, _) = try Self.value(try inner(&field), limits: limits)
                outputs.append(Output(name: name, element: element))
            default: try ONNXMessage.graph.passOver(&field)
            }
        }
        // Files of IR version 3 list their initializers among the inputs as well.
        inputs.removeAll { initializers[Name($0.name)] != nil || otherInitializers.contains(Name($0.name)) }
    }

    /// A `ValueInfoProto`: name, type of its elements, and its shape behind the rows.
    private static func value(
        _ message: ProtobufReader, limits: ModelLimits
    ) throws(ModelFormatError) -> (String, ONNXElement?, [Int?]) {
        let port = try ONNXPort.read(message, limits: limits)
        switch port.kind {
        case .tensor(let code, let dimensions):
            return (port.name, ONNXElement(rawValue: code), Array(dimensions.dropFirst()))
        case .shapeless(let code): return (port.name, ONNXElement(rawValue: code), [])
        case .other: return (port.name, nil, [])
        }
    }
}

extension ONNXFile {
    /// How many numbers the file's constants have, to which what is made of them is held.
    var constantCount: Int { ONNXLimits.elementCount - budget }
}
