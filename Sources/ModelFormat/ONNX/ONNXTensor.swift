import Protobuf

/// A constant of the file: its shape and its numbers, floats and integers apart.
struct ONNXTensor {
    enum Values {
        case floats([Float])
        case integers([Int64])
    }

    var shape: [Int]
    var values: Values
    /// Where it ends in the file.
    let offset: Int

    var count: Int { shape.reduce(1, *) }

    init(shape: [Int], values: Values, offset: Int) {
        self.shape = shape
        self.values = values
        self.offset = offset
    }

    /// Reads a `TensorProto`, name first: the name says which initializer it is.
    ///
    /// Float64 becomes float32: networks compute in float32, and an operator that needs the doubles refuses them by their type.
    static func read(
        _ message: ProtobufReader, limits: ModelLimits, budget: inout Int
    ) throws(ModelFormatError) -> (name: String, tensor: ONNXTensor?) {
        var (name, dimensions, code): (String, [Int64], Int64) = ("", [], 0)
        var (floats, doubles, integers): ([Float], [Double], [Int64]) = ([], [], [])
        var raw: (bytes: UnsafeRawBufferPointer, offset: Int)?
        var isElsewhere = false
        var end = message.offset
        try eachField(of: message) { (field) throws(ModelFormatError) in
            switch field.field {
            case ONNXTensorField.name: name = try field.name(limits: limits)
            case ONNXTensorField.dims: try reading(try field.eachSigned { dimensions.append($0) })
            case ONNXTensorField.dataType: code = try reading(try field.signed())
            case ONNXTensorField.floatData:
                try reading(try field.eachFloat { floats.append($0) })
            case ONNXTensorField.doubleData:
                try reading(try field.eachDouble { doubles.append($0) })
            case ONNXTensorField.int32Data, ONNXTensorField.int64Data:
                try reading(try field.eachSigned { integers.append($0) })
            case ONNXTensorField.rawData:
                unsafe raw = (try reading(unsafe try field.data()), field.offset)
            case ONNXTensorField.dataLocation:
                isElsewhere = try reading(try field.signed()) != 0
            default: try ONNXMessage.tensor.passOver(&field)
            }
            end = field.offset
        }
        guard !isElsewhere else { throw ModelFormatError(.unsupported("weights in a file of their own"), at: end) }
        let (shape, count) = try Self.shape(dimensions, at: end)
        // Texts and half floats are passed over here; an operator that asks for them is refused.
        guard let element = ONNXElement(rawValue: Int(truncatingIfNeeded: code)), element != .string else {
            return (name, nil)
        }
        budget -= count
        guard budget >= 0 else { throw ModelFormatError(.tooLarge("constants"), at: end) }
        let values: Values
        if let raw = unsafe raw {
            values = unsafe try Self.values(raw.bytes, element, count, at: raw.offset)
        } else if element == .float {
            values = .floats(floats)
        } else if element == .double {
            values = .floats(doubles.map { Float($0) })
        } else {
            values = .integers(integers)
        }
        let tensor = ONNXTensor(shape: shape, values: values, offset: end)
        guard tensor.elementCount == count else {
            throw ModelFormatError(.inconsistent("a tensor's shape and its data"), at: end)
        }
        return (name, tensor)
    }

    private var elementCount: Int {
        switch values {
        case .floats(let floats): floats.count
        case .integers(let integers): integers.count
        }
    }

    private static func shape(_ dimensions: [Int64], at offset: Int) throws(ModelFormatError) -> ([Int], Int) {
        guard dimensions.count <= ONNXLimits.dimensionCount else {
            throw ModelFormatError(.tooLarge("a tensor's dimensions"), at: offset)
        }
        var count = 1
        for dimension in dimensions {
            guard dimension >= 0, dimension <= Int64(ONNXLimits.elementCount) else {
                throw ModelFormatError(.inconsistent("a tensor's dimension"), at: offset)
            }
            count *= Int(dimension)
            guard count <= ONNXLimits.elementCount else { throw ModelFormatError(.tooLarge("a tensor"), at: offset) }
        }
        return (dimensions.map { Int($0) }, count)
    }

    /// `raw_data`: fixed width, little-endian.
    private static func values(
        _ bytes: UnsafeRawBufferPointer, _ element: ONNXElement, _ count: Int, at offset: Int
    ) throws(ModelFormatError) -> Values {
        func load<Value: FixedWidthInteger>(_: Value.Type) throws(ModelFormatError) -> [Value] {
            guard bytes.count == count * MemoryLayout<Value>.size else {
                throw ModelFormatError(.inconsistent("a tensor's shape and its bytes"), at: offset)
            }
            return (0..<count).map {
                unsafe Value(
                    littleEndian: bytes.loadUnaligned(
                        fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self))
            }
        }
        switch element {
        case .float: return .floats(try load(UInt32.self).map { Float(bitPattern: $0) })
        case .double: return .floats(try load(UInt64.self).map { Float(Double(bitPattern: $0)) })
        case .uint8, .bool: return .integers(try load(UInt8.self).map { Int64($0) })
        case .int8: return .integers(try load(Int8.self).map { Int64($0) })
        case .uint16: return .integers(try load(UInt16.self).map { Int64($0) })
        case .int16: return .integers(try load(Int16.self).map { Int64($0) })
        case .int32: return .integers(try load(Int32.self).map { Int64($0) })
        case .int64: return .integers(try load(Int64.self))
        case .string: return .integers([])
        }
    }

    /// Its numbers as floats, whatever they are.
    var floats: [Float] {
        switch values {
        case .floats(let floats): floats
        case .integers(let integers): integers.map { Float($0) }
        }
    }

    /// Its numbers where they are integers.
    var integers: [Int]? {
        guard case .integers(let integers) = values else { return nil }
        return integers.map { Int($0) }
    }
}
