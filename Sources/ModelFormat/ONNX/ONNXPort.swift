import ModelTypes
import Protobuf

/// An input or an output as the graph declares it: `ValueInfoProto`.
enum ONNXPort {
    static func read(_ message: ProtobufReader, limits: ModelLimits) throws(ModelFormatError) -> GraphInterface.Port {
        var (name, other): (String, String?) = ("", nil)
        var (element, dimensions): (Int?, [Int?]?) = (nil, nil)
        try eachField(of: message) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXValueField.name: name = try field.name(limits: limits)
            case ONNXValueField.type:
                let inner = try reading(try field.message())
                try eachField(of: inner) { (field) throws(ModelFormatError) in
                    if field.field == ONNXTypeField.tensor {
                        let tensor = try reading(try field.message())
                        try read(tensor: tensor, limits, &element, &dimensions)
                    } else {
                        guard let name = ONNXTypeField.names[field.field] else {
                            return try ONNXMessage.type.passOver(&field)
                        }
                        other = name
                        try reading(try field.skip())
                    }
                }
            default: try ONNXMessage.value.passOver(&field)
            }
        }
        if let element, let dimensions {
            return GraphInterface.Port(name: name, kind: .tensor(element: element, dimensions: dimensions))
        }
        if let element { return GraphInterface.Port(name: name, kind: .shapeless(element: element)) }
        return GraphInterface.Port(name: name, kind: .other(other ?? "of no type"))
    }

    private static func read(
        tensor: ProtobufReader, _ limits: ModelLimits, _ element: inout Int?, _ dimensions: inout [Int?]?
    ) throws(ModelFormatError) {
        element = element ?? 0
        var (code, shape) = (element, dimensions)
        try eachField(of: tensor) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXTypeField.elementType: code = Int(truncatingIfNeeded: try reading(try field.signed()))
            case ONNXTypeField.shape:
                shape = shape ?? []
                let inner = try reading(try field.message())
                try eachField(of: inner) { (field) throws(ModelFormatError) in
                    guard field.field == ONNXTypeField.dimension else { return try ONNXMessage.shape.passOver(&field) }
                    guard shape?.count ?? 0 <= ONNXLimits.dimensionCount else {
                        throw ModelFormatError(.tooLarge("dimensions"), at: field.offset)
                    }
                    let dimension = try reading(try field.message())
                    shape?.append(try size(of: dimension, limits))
                }
            default: try ONNXMessage.tensorType.passOver(&field)
            }
        }
        (element, dimensions) = (code, shape)
    }

    /// Nil where it has a name, or nothing.
    private static func size(of dimension: ProtobufReader, _ limits: ModelLimits) throws(ModelFormatError) -> Int? {
        var size: Int?
        try eachField(of: dimension) { (field) throws(ModelFormatError) in
            guard field.field == ONNXTypeField.dimensionValue else {
                return try ONNXMessage.dimension.passOver(&field)
            }
            let value = try reading(try field.signed())
            guard value >= 0, value <= Int64(limits.maxFeatureCount) else {
                throw ModelFormatError(.tooLarge("a dimension"), at: field.offset)
            }
            size = Int(value)
        }
        return size
    }
}
