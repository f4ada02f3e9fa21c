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
        /// What the fields that came give it, and what its type says.
        var kinds: Set<ONNXAttributes.Kind> = []
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
            default: try ONNXMessage.node.passOver(&field)
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
            case ONNXAttributeField.f:
                attribute.kinds.insert(.float)
                attribute.float = try reading(try field.float())
            case ONNXAttributeField.i:
                attribute.kinds.insert(.integer)
                attribute.integer = try reading(try field.signed())
            case ONNXAttributeField.s:
                attribute.kinds.insert(.text)
                attribute.text = try field.name(limits: limits)
            case ONNXAttributeField.t:
                attribute.kinds.insert(.tensor)
                let inner = try reading(try field.message())
                attribute.tensor = try ONNXTensor.read(inner, limits: limits, budget: &budget).tensor
            case ONNXAttributeField.floats:
                attribute.kinds.insert(.floats)
                try reading(try field.eachFloat { attribute.floats.append($0) })
            case ONNXAttributeField.ints:
                attribute.kinds.insert(.integers)
                try reading(try field.eachSigned { attribute.integers.append($0) })
            case ONNXAttributeField.strings:
                attribute.kinds.insert(.texts)
                attribute.texts.append(try field.name(limits: limits))
            case ONNXAttributeField.type:
                // 0 and none: files of IR version 1 do not say it.
                let type = Int(truncatingIfNeeded: try reading(try field.signed()))
                if type != 0 { attribute.kinds.insert(ONNXAttributes.Kind(rawValue: type) ?? .other) }
            case let number where ONNXAttributeField.others.contains(number):
                attribute.kinds.insert(.other)
                try reading(try field.skip())
            default: try ONNXMessage.attribute.passOver(&field)
            }
        }
        // A writer may leave out a value of zero, which the type then stands for.
        if attribute.kinds == [.float] { attribute.float = attribute.float ?? 0 }
        if attribute.kinds == [.integer] { attribute.integer = attribute.integer ?? 0 }
        if attribute.kinds == [.text] { attribute.text = attribute.text ?? "" }
        return (name, attribute)
    }

    /// Refuses attributes that the operator is not known to have, and those whose value is of another kind.
    func checkAttributes() throws(ModelFormatError) {
        guard let known = ONNXAttributes.ofOperators[Name(operation)] else { return }
        for name in attributes.keys.sorted() {
            if known.withoutEffect.contains(name) { continue }
            guard let kind = known.read[name] else {
                throw unsupported("attribute \(name.text.prefix(64))")
            }
            guard attributes[name]?.kinds.isSubset(of: [kind]) ?? true else {
                throw unsupported("the type of attribute \(name.text.prefix(64))")
            }
        }
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
