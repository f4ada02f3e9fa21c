import JSONReader
import Protobuf

/// Elements into rows, from the three forms in which tensors come. Each number is rounded at most once, to the row's type.
///
/// The rows are sized before they are filled. That is bounded by the request: a placement is only filled from content whose
/// bytes are at least as many as its elements.
extension RowBuffer {
    /// Makes room for so many rows, whatever they held before.
    mutating func size(rowCount: Int, featureCount: Int) {
        let count = rowCount * featureCount
        if values.count > count {
            values.removeLast(values.count - count)
        } else if values.count < count {
            values.append(contentsOf: repeatElement(0, count: count - values.count))
        }
        self.rowCount = rowCount
    }

    // MARK: Binary

    /// - Precondition: the elements are numbers, and `bytes` are exactly as many as the placement's have.
    mutating func fill(_ bytes: UnsafeRawBufferPointer, as datatype: TensorDatatype, _ placement: TensorPlacement) {
        switch datatype {
        case .bool: unsafe copy(bytes, UInt8.self, placement) { $0 == 0 ? 0 : 1 }
        case .uint8: unsafe copy(bytes, UInt8.self, placement) { Number($0) }
        case .uint16: unsafe copy(bytes, UInt16.self, placement) { Number($0) }
        case .uint32: unsafe copy(bytes, UInt32.self, placement) { Number($0) }
        case .uint64: unsafe copy(bytes, UInt64.self, placement) { Number($0) }
        case .int8: unsafe copy(bytes, Int8.self, placement) { Number($0) }
        case .int16: unsafe copy(bytes, Int16.self, placement) { Number($0) }
        case .int32: unsafe copy(bytes, Int32.self, placement) { Number($0) }
        case .int64: unsafe copy(bytes, Int64.self, placement) { Number($0) }
        case .fp16: unsafe copy(bytes, UInt16.self, placement) { Number(Float(Float16(bitPattern: $0))) }
        case .bf16: unsafe copy(bytes, UInt16.self, placement) { Number(Float(bitPattern: UInt32($0) << 16)) }
        case .fp32: unsafe copyFloats(bytes, placement)
        case .fp64: unsafe copy(bytes, UInt64.self, placement) { Number(Double(bitPattern: $0)) }
        case .bytes: preconditionFailure("texts are no numbers")
        }
    }

    /// FP32 into rows of Float is what most clients send to most models: one copy.
    private mutating func copyFloats(_ bytes: UnsafeRawBufferPointer, _ placement: TensorPlacement) {
        guard Number.self == Float.self, placement.stride == 1 else {
            return unsafe copy(bytes, UInt32.self, placement) { Number(Float(bitPattern: $0)) }
        }
        unsafe values.withUnsafeMutableBytes { target in
            unsafe target.baseAddress?.advanced(by: placement.start * 4).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
        }
    }

    private mutating func copy<Element: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, _: Element.Type, _ placement: TensorPlacement, _ number: (Element) -> Number
    ) {
        precondition(bytes.count == placement.count * MemoryLayout<Element>.size, "as many bytes as elements")
        var position = placement.start
        for index in 0..<placement.count {
            let element = unsafe bytes.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
            values[position] = number(Element(littleEndian: element))
            position += placement.stride
        }
    }

    // MARK: JSON

    /// Reads an array of the placement's elements, flat or as arrays of one row each.
    mutating func fill(
        _ json: inout JSONReader, as datatype: TensorDatatype, _ placement: TensorPlacement, _ schema: RowSchema,
        input: Int
    ) throws(OpenInferenceError) {
        var index = 0
        var refused: ValueFault?
        var isNested: Bool?
        var isMixed = false
        var shortRow: (number: Int, count: Int)?
        guard try json.at("inputs[\(input)].data", { (json) throws(JSONError) in try json.peekKind() }) == .array else {
            throw .field("inputs[\(input)].data", ValueFault(&json, wanted: .array).description)
        }
        do throws(JSONError) {
            try json.beginArray()
            while try json.nextElement() {
                let isArray = try json.peekKind() == .array
                isMixed = isArray != isNested ?? isArray
                if isMixed { break }
                isNested = isArray
                guard isArray else {
                    refused = try take(&json, datatype, placement, index, schema)
                    if refused != nil { break }
                    index += 1
                    continue
                }
                let end = index + placement.width
                try json.beginArray()
                while try json.nextElement() {
                    guard index < end else { throw JSONError(.tooManyElements, at: json.offset) }
                    refused = try take(&json, datatype, placement, index, schema)
                    if refused != nil { break }
                    index += 1
                }
                if refused != nil { break }
                if index < end {
                    let number = end / placement.width
                    shortRow = (number, index + placement.width - end)
                    break
                }
            }
        } catch {
            throw located(error, placement, index, input)
        }
        if let refused { throw Self.refusal(refused, placement, index) }
        if isMixed, index < placement.count {
            throw .field("inputs[\(input)].data", "element \(index + 1) breaks the nesting of those before it")
        }
        if let (number, count) = shortRow {
            throw .field("inputs[\(input)].data", "row \(number) has \(count) elements, not \(placement.width)")
        }
        guard index == placement.count else {
            throw .field("inputs[\(input)].data", "\(index) elements; its shape asks for \(placement.count)")
        }
    }

    /// One element. A null is missing, and so is NaN, which JSON lacks and clients write all the same.
    ///
    /// - Returns: why it is not taken; nil when it is.
    private mutating func take(
        _ json: inout JSONReader, _ datatype: TensorDatatype, _ placement: TensorPlacement, _ index: Int,
        _ schema: RowSchema
    ) throws(JSONError) -> ValueFault? {
        guard index < placement.count else { throw JSONError(.tooManyElements, at: json.offset) }
        let number: Number
        do throws(JSONError) {
            if datatype == .bytes {
                var refused: ValueFault?
                number = try Self.text(&json, placement, index, schema, &refused)
                if let refused { return refused }
            } else if datatype == .bool {
                number = try json.readBool() ? 1 : 0
            } else if try json.readNull() {
                number = .nan
            } else if let limits = datatype.wholeLimits {
                if try json.readNaN() {
                    number = .nan
                } else {
                    let (magnitude, isNegative) = try json.readWhole()
                    guard limits.holds(magnitude, isNegative: isNegative) else { return .outOfRange(datatype.rawValue) }
                    number = isNegative ? -Number(magnitude) : Number(magnitude)
                }
            } else {
                number = try Number.next(&json)
            }
        } catch {
            switch error.reason {
            case .wrongKind: return ValueFault(&json, wanted: datatype.wanted)
            case .notAnInteger: return .outOfRange(datatype.rawValue)
            default: throw error
            }
        }
        values[placement.start + index * placement.stride] = number
        return nil
    }

    private func located(
        _ error: JSONError, _ placement: TensorPlacement, _ index: Int, _ input: Int
    ) -> OpenInferenceError {
        guard index < placement.count else {
            return .field("inputs[\(input)].data", "more elements than the \(placement.count) that its shape asks for")
        }
        let row = placement.place(of: index).row
        return switch error.reason {
        case .tooManyElements:
            .field("inputs[\(input)].data", "row \(row - 1) has more than \(placement.width) elements")
        default: .json(field: "inputs[\(input)].data", error)
        }
    }

    static func refusal(_ fault: ValueFault, _ placement: TensorPlacement, _ index: Int) -> OpenInferenceError {
        let (row, column) = placement.place(of: index)
        return .rows(.badValue(row: row, column: column, fault))
    }

    // MARK: Typed contents

    /// Reads the elements of an `InferTensorContents`, from the one field that the datatype has there.
    mutating func fill(
        _ contents: ProtobufReader, as datatype: TensorDatatype, _ placement: TensorPlacement, input: Int
    ) throws(OpenInferenceError) {
        guard let field = datatype.contentsField else {
            throw .field("inputs[\(input)].datatype", "\(datatype.rawValue) comes in raw_input_contents only")
        }
        var contents = contents
        var index = 0
        var isOutOfRange = false
        var foreignField: Int?
        func put(_ number: Number) {
            if index < placement.count { values[placement.start + index * placement.stride] = number }
            index += 1
        }
        do throws(ProtobufError) {
            while try contents.next() {
                guard contents.field == field else {
                    if foreignField == nil { foreignField = contents.field }
                    try contents.skip()
                    continue
                }
                switch datatype {
                case .fp32: try contents.eachFloat { put(Number($0)) }
                case .fp64: try contents.eachDouble { put(Number($0)) }
                case .bool: try contents.eachSigned { put($0 == 0 ? 0 : 1) }
                case .uint64: try contents.eachSigned { put(Number(UInt64(bitPattern: $0))) }
                default:
                    let limits = datatype.wholeLimits
                    try contents.eachSigned {
                        if limits?.holds($0) != true { isOutOfRange = true }
                        put(Number($0))
                    }
                }
            }
        } catch {
            throw .message(error)
        }
        if let foreignField { try datatype.refuseContents(ofField: foreignField, input: input) }
        guard index == placement.count else {
            throw .field("inputs[\(input)].contents", "\(index) elements; its shape asks for \(placement.count)")
        }
        guard !isOutOfRange else {
            throw .field("inputs[\(input)].contents", "a value out of the range of \(datatype.rawValue)")
        }
    }
}

extension TensorDatatype {
    /// What an element is in JSON.
    var wanted: ValueFault.Wanted {
        switch self {
        case .bool: .boolean
        case .bytes: .text
        default: .number
        }
    }

    /// The field of `InferTensorContents` that holds elements of this type.
    var contentsField: Int? {
        switch self {
        case .bool: 1
        case .int8, .int16, .int32: 2
        case .int64: 3
        case .uint8, .uint16, .uint32: 4
        case .uint64: 5
        case .fp32: 6
        case .fp64: 7
        case .bytes: 8
        case .fp16, .bf16: nil
        }
    }

    /// Elements in another field than that of the datatype are refused, whether or not it has some too: which are meant, only the client
    /// knows. A field that no version of the protocol has is passed over.
    func refuseContents(ofField foreign: Int, input: Int) throws(OpenInferenceError) {
        guard let field = contentsField, Self.contentsNames.indices.contains(foreign) else { return }
        throw .field(
            "inputs[\(input)].contents",
            "\(Self.contentsNames[foreign]); \(rawValue) comes in \(Self.contentsNames[field]) alone")
    }

    /// By field of `InferTensorContents`; there is none of number 0.
    private static let contentsNames = [
        "", "bool_contents", "int_contents", "int64_contents", "uint_contents", "uint64_contents", "fp32_contents",
        "fp64_contents", "bytes_contents",
    ]
}
