import Protobuf

/// Writes the answer to an inference request: one output, `predict`, of `[rows]` or `[rows, outputs]`.
package enum InferAnswer {
    /// - Parameters:
    ///   - predictions: shape [rowCount, outputCount], row-major.
    ///   - id: the characters of the request's id as JSON has them, without quotation marks.
    ///   - text: receives the bytes behind what it holds.
    /// - Returns: in binary form, how many of the bytes are JSON.
    package static func append(
        _ predictions: Span<Double>, to request: TensorRequest, id: UnsafeRawBufferPointer?, signature: ModelSignature,
        text: inout [UInt8]
    ) -> Int? {
        let start = text.count
        text.append(contentsOf: signature.answerStart)
        if let id = unsafe id {
            text.append(contentsOf: ",\"id\":\"".utf8)
            unsafe text.append(contentsOf: id)
            text.append(UInt8(ascii: "\""))
        }
        text.append(contentsOf: ",\"outputs\":[{\"name\":\"\(ModelSignature.outputName)\",\"datatype\":\"".utf8)
        text.append(contentsOf: signature.outputType.rawValue.utf8)
        text.append(contentsOf: "\",\"shape\":[".utf8)
        text.append(contentsOf: request.rowCount.description.utf8)
        if signature.outputCount > 1 {
            text.append(UInt8(ascii: ","))
            text.append(contentsOf: signature.outputCount.description.utf8)
        }
        guard request.form == .binary else {
            text.append(contentsOf: "],\"data\":[".utf8)
            appendNumbers(predictions, signature.outputType, to: &text)
            text.append(contentsOf: "]}]}".utf8)
            return nil
        }
        let byteCount = predictions.count * (signature.outputType.byteCount ?? 0)
        text.append(contentsOf: "],\"parameters\":{\"binary_data_size\":".utf8)
        text.append(contentsOf: byteCount.description.utf8)
        text.append(contentsOf: "}}]}".utf8)
        // To a multiple of 32 with blanks: then the field that states the length is the same for one answer after another.
        while !(text.count - start).isMultiple(of: 32) { text.append(UInt8(ascii: " ")) }
        let jsonByteCount = text.count - start
        appendBinary(predictions, signature.outputType, to: &text)
        return jsonByteCount
    }

    /// The same as a `ModelInferResponse`: model_name 1, model_version 2, id 3, outputs 5, raw_output_contents 6.
    ///
    /// - Parameter id: the bytes of the request's id.
    package static func message(
        _ predictions: Span<Double>, to request: TensorRequest, id: UnsafeRawBufferPointer?, signature: ModelSignature
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, signature.name)
        writer.string(2, signature.version)
        if let id = unsafe id { unsafe writer.data(3, id) }
        writer.message(5) { output in
            output.string(1, ModelSignature.outputName)
            output.string(2, signature.outputType.rawValue)
            let width = Int64(signature.outputCount)
            output.packed(3, width > 1 ? [Int64(request.rowCount), width] : [Int64(request.rowCount)])
            guard request.form == .typed else { return }
            output.message(5) { contents in
                if signature.outputType == .fp64 {
                    contents.packed(7, predictions.indices.map { predictions[$0] })
                } else {
                    contents.packed(6, predictions.indices.map { Float(predictions[$0]) })
                }
            }
        }
        if request.form == .binary {
            var bytes: [UInt8] = []
            appendBinary(predictions, signature.outputType, to: &bytes)
            writer.data(6, bytes)
        }
        return writer.bytes
    }

    /// The shortest decimals that read back to the same number of the type; what is not finite becomes null.
    private static func appendNumbers(_ predictions: Span<Double>, _ type: TensorDatatype, to text: inout [UInt8]) {
        for index in predictions.indices {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            let value = predictions[index]
            if !value.isFinite {
                text.append(contentsOf: "null".utf8)
            } else if type == .fp64 {
                text.append(contentsOf: value.description.utf8)
            } else {
                text.append(contentsOf: Float(value).description.utf8)
            }
        }
    }

    private static func appendBinary(_ predictions: Span<Double>, _ type: TensorDatatype, to bytes: inout [UInt8]) {
        let start = bytes.count
        let size = type.byteCount ?? 0
        bytes.append(contentsOf: repeatElement(0, count: predictions.count * size))
        unsafe bytes.withUnsafeMutableBytes { target in
            for index in predictions.indices {
                let place = start + index * size
                if type == .fp64 {
                    unsafe target.storeBytes(
                        of: predictions[index].bitPattern.littleEndian, toByteOffset: place, as: UInt64.self)
                } else {
                    unsafe target.storeBytes(
                        of: Float(predictions[index]).bitPattern.littleEndian, toByteOffset: place, as: UInt32.self)
                }
            }
        }
    }
}
