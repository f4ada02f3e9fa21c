import JSONReader
import Protobuf

/// BYTES elements into rows: the texts of features that the model has an encoder for, in the three forms in which tensors come.
///
/// ``TensorLayout`` has seen to it that every feature of a BYTES tensor has an encoder.
extension RowBuffer {
    /// Reads texts that each have their length, four bytes little-endian, before them.
    ///
    /// Source: Triton's "Binary Tensor Data Extension", BYTES.
    mutating func fillTexts(
        _ bytes: UnsafeRawBufferPointer, _ placement: TensorPlacement, _ schema: RowSchema, input: Int
    ) throws(OpenInferenceError) {
        var position = 0
        for index in 0..<placement.count {
            guard bytes.count - position >= 4 else {
                throw .field("inputs[\(input)]", "\(index) texts; its shape asks for \(placement.count)")
            }
            let length = unsafe UInt32(
                littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            position += 4
            guard length <= bytes.count - position else {
                throw .field(
                    "inputs[\(input)]", "text \(index + 1) has \(length) bytes, and \(bytes.count - position) are left")
            }
            let text = unsafe bytes[position..<position + Int(length)]
            try unsafe take(UnsafeRawBufferPointer(rebasing: text), placement, index, schema)
            position += Int(length)
        }
        guard position == bytes.count else {
            throw .field("inputs[\(input)]", "\(bytes.count - position) bytes follow the last text")
        }
    }

    /// Reads the `bytes_contents` of an `InferTensorContents`.
    mutating func fillTexts(
        _ contents: ProtobufReader, _ placement: TensorPlacement, _ schema: RowSchema, input: Int
    ) throws(OpenInferenceError) {
        var contents = contents
        var index = 0
        while try contents.hasNext() {
            guard contents.field == TensorDatatype.bytes.contentsField else {
                try TensorDatatype.bytes.refuseContents(ofField: contents.field, input: input)
                try contents.pass()
                continue
            }
            let text: UnsafeRawBufferPointer
            do throws(ProtobufError) { unsafe text = try contents.data() } catch { throw .message(error) }
            if index < placement.count { try unsafe take(text, placement, index, schema) }
            index += 1
        }
        guard index == placement.count else {
            throw .field("inputs[\(input)].contents", "\(index) elements; its shape asks for \(placement.count)")
        }
    }

    private mutating func take(
        _ text: UnsafeRawBufferPointer, _ placement: TensorPlacement, _ index: Int, _ schema: RowSchema
    ) throws(OpenInferenceError) {
        let feature = placement.feature(of: index)
        let characters = unsafe text.assumingMemoryBound(to: UInt8.self)
        let number = unsafe schema.encoder(of: feature)?.number(of: characters, feature: feature)
        guard let number else {
            let fault = unsafe ValueFault(unknown: characters)
            throw Self.refusal(fault, placement, index)
        }
        values[placement.start + index * placement.stride] = Number(number)
    }

    /// The next JSON string as the number that it stands for; a null is missing.
    ///
    /// - Parameter refused: says so of a text that the encoder does not take.
    static func text(
        _ json: inout JSONReader, _ placement: TensorPlacement, _ index: Int, _ schema: RowSchema,
        _ refused: inout ValueFault?
    ) throws(JSONError) -> Number {
        if try json.readNull() { return .nan }
        let text = try json.readText()
        let feature = placement.feature(of: index)
        return unsafe json.lend(text) { bytes in
            if let number = unsafe schema.encoder(of: feature)?.number(of: bytes, feature: feature) {
                return Number(number)
            }
            refused = unsafe ValueFault(unknown: bytes)
            return .nan
        }
    }
}
