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
        var isKnown = true
        var isNested: Bool?
        var shortRow: (number: Int, count: Int)?
        do throws(JSONError) {
            try json.beginArray()
            while try json.nextElement() {
                let isArray = try json.peekKind() == .array
                guard isArray == isNested ?? isArray else { throw JSONError(.wrongKind, at: json.offset) }
                isNested = isArray
                guard isArray else {
                    isKnown = try take(&json, datatype, placement, index, schema)
                    if !isKnown { break }
                    index += 1
                    continue
                }
                let end = index + placement.width
                try json.beginArray()
                while try json.nextElement() {
                    guard index < end else { throw JSONError(.tooManyElements, at: json.offset) }
                    isKnown = try take(&json, datatype, placement, index, schema)
                    if !isKnown { break }
                    index += 1
                }
                if !isKnown { break }
                if index < end {
                    let number = end / placement.width
                    shortRow = (number, index + placement.width - end)
                    break
                }
            }
        } catch {
            throw located(error, placement, index, input)
        }
        guard isKnown else { throw Self.unknownText(placement, index) }
        if let (number, count) = shortRow {
            throw .field("inputs[\(input)].data", "row \(number) has \(count) elements, not \(placement.width)")
        }
        guard index == placement.count else {
            throw .field("inputs[\(input)].data", "\(index) elements; its shape asks for \(placement.count)")
        }
    }

    /// One element. A null is missing, and so is NaN, which JSON lacks and clients write all the same.
    ///
    /// - Returns: false for a text that the feature's encoder does not take.
    private mutating func take(
        _ json: inout JSONReader, _ datatype: TensorDatatype, _ placement: TensorPlacement, _ index: Int,
        _ schema: RowSchema
    ) throws(JSONError) -> Bool {
        guard index < placement.count else { throw JSONError(.tooManyElements, at: json.offset) }
        let number: Number
        if datatype == .bytes {
            guard let known = try Self.text(&json, placement, index, schema) else { return false }
            number = known
        } else if datatype == .bool {
            number = try json.readBool() ? 1 : 0
        } else if try json.readNull() {
            number = .nan
        } else {
            let start = json.offset
            number = try Number.next(&json)
            if let range = datatype.wholeRange {
                // As far as the row's own type can tell.
                guard number.rounded(.towardZero) == number, number >= Number(range.lowerBound),
                    number <= Number(range.upperBound)
                else { throw JSONError(.notAnInteger, at: start) }
            }
        }
        values[placement.start + index * placement.stride] = number
        return true
    }

    private func located(
        _ error: JSONError, _ placement: TensorPlacement, _ index: Int, _ input: Int
    ) -> OpenInferenceError {
        guard index < placement.count else {
            return .field("inputs[\(input)].data", "more elements than the \(placement.count) that its shape asks for")
        }
        let (row, column) = placement.place(of: index)
        return switch error.reason {
        case .wrongKind: .rows(.notANumber(row: row, column: column, text: "a value of another kind"))
        case .notAnInteger: .rows(.notANumber(row: row, column: column, text: "a value out of its datatype's range"))
        case .tooManyElements:
            .field("inputs[\(input)].data", "row \(row - 1) has more than \(placement.width) elements")
        default: .json(field: "inputs[\(input)].data", error)
        }
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
                    let range = datatype.wholeRange ?? 0...0
                    try contents.eachSigned {
                        if !range.contains(Double($0)) { isOutOfRange = true }
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
