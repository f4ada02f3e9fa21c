import Names
import Protobuf

/// One operator of the graph: `NodeProto`.
struct ONNXNode {
    private(set) var inputs: [String] = []
    private(set) var outputs: [String] = []
    private(set) var operation = ""
    /// Empty for ONNX's own operators, `ai.onnx.ml` for those of classical models.
    private(set) var domain = ""
    private var attributes: [Name: Attribute] = [:]
    private(set) var offset: Int

    private struct Attribute {
        var float: Float?
        var integer: Int64?
        var text: String?
        var tensor: ONNXTensor?
        var floats: [Float] = []
        var integers: [Int64] = []
        var texts: [String] = []
    }

    init(_ message: ProtobufReader, limits: ModelLimits, budget: inout Int) throws(ModelFormatError) {
        offset = message.offset
        try eachField(of: message) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXNodeField.input: try Self.append(field.name(limits: limits), to: &inputs, at: field.offset)
            case ONNXNodeField.output: try Self.append(field.name(limits: limits), to: &outputs, at: field.offset)
            case ONNXNodeField.opType: operation = try field.name(limits: limits)
            case ONNXNodeField.domain: domain = try field.name(limits: limits)
            case ONNXNodeField.attribute:
                let inner = try reading(try field.message())
                let (name, attribute) = try Self.attribute(inner, limits: limits, budget: &budget)
                guard attributes.count < ONNXLimits.attributeCount else {
                    throw ModelFormatError(.tooLarge("attributes"), at: field.offset)
                }
                guard attributes.updateValue(attribute, forKey: Name(name)) == nil else {
                    throw ModelFormatError(.inconsistent("attribute \(name.prefix(64)), given twice"), at: field.offset)
                }
            default: try reading(try field.skip())
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }

    private static func append(_ name: String, to names: inout [String], at offset: Int) throws(ModelFormatError) {
        guard names.count < ONNXLimits.nameCount else {
            throw ModelFormatError(.tooLarge("names of a node"), at: offset)
        }
        names.append(name)
    }

    private static func attribute(
        _ message: ProtobufReader, limits: ModelLimits, budget: inout Int
    ) throws(ModelFormatError) -> (String, Attribute) {
        var name = ""
        var attribute = Attribute()
        try eachField(of: message) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXAttributeField.name: name = try field.name(limits: limits)
            case ONNXAttributeField.f: attribute.float = try reading(try field.float())
            case ONNXAttributeField.i: attribute.integer = try reading(try field.signed())
            case ONNXAttributeField.s: attribute.text = try field.name(limits: limits)
            case ONNXAttributeField.t:
                let inner = try reading(try field.message())
                attribute.tensor = try ONNXTensor.read(inner, limits: limits, budget: &budget).tensor
            case ONNXAttributeField.floats:
                try reading(try field.eachFloat { attribute.floats.append($0) })
            case ONNXAttributeField.ints:
                try reading(try field.eachSigned { attribute.integers.append($0) })
            case ONNXAttributeField.strings: attribute.texts.append(try field.name(limits: limits))
            default: try reading(try field.skip())
            }
        }
        return (name, attribute)
    }

    // MARK: Attributes

    func has(_ name: String) -> Bool { attributes[Name(name)] != nil }
    func float(_ name: String, _ standard: Float) -> Float { attributes[Name(name)]?.float ?? standard }
    func integer(_ name: String, _ standard: Int) -> Int { attributes[Name(name)]?.integer.map { Int($0) } ?? standard }
    func text(_ name: String, _ standard: String) -> String { attributes[Name(name)]?.text ?? standard }
    func floats(_ name: String) -> [Float] { attributes[Name(name)]?.floats ?? [] }
    func integers(_ name: String) -> [Int] { attributes[Name(name)]?.integers.map { Int($0) } ?? [] }
    func texts(_ name: String) -> [String] { attributes[Name(name)]?.texts ?? [] }
    func tensor(_ name: String) -> ONNXTensor? { attributes[Name(name)]?.tensor }

    /// Refused: by the operator's name, so that the reader knows what to export differently.
    func unsupported(_ what: String) -> ModelFormatError {
        ModelFormatError(.unsupported("\(what) of operator \(operation.prefix(64))"), at: offset)
    }

    func inconsistent(_ what: String) -> ModelFormatError {
        ModelFormatError(.inconsistent("\(what) of operator \(operation.prefix(64))"), at: offset)
    }
}
