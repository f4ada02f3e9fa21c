import Protobuf
import Telemetry

/// Writes the answer to an inference request: one output, `predict`, of `[rows]` or `[rows, outputs]`, or its best classes, of
/// `[rows, classes]`.
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
        let classes = Classification(request, signature)
        text.append(contentsOf: signature.answerStart)
        if let id = unsafe id {
            text.append(contentsOf: ",\"id\":\"".utf8)
            unsafe text.append(contentsOf: id)
            text.append(UInt8(ascii: "\""))
        }
        text.append(contentsOf: ",\"outputs\":[{\"name\":\"\(ModelSignature.outputName)\",\"datatype\":\"".utf8)
        text.append(contentsOf: (classes == nil ? signature.outputType : .bytes).rawValue.utf8)
        text.append(contentsOf: "\",\"shape\":[".utf8)
        text.append(contentsOf: request.rowCount.description.utf8)
        if let width = classes?.count ?? (signature.outputCount > 1 ? signature.outputCount : nil) {
            text.append(UInt8(ascii: ","))
            text.append(contentsOf: width.description.utf8)
        }
        guard request.form == .binary else {
            text.append(contentsOf: "],\"data\":[".utf8)
            if let classes {
                append(classes, predictions, to: &text)
            } else {
                appendNumbers(predictions, signature.outputType, to: &text)
            }
            text.append(contentsOf: "]}]}".utf8)
            return nil
        }
        let texts = classes?.binary(predictions)
        let byteCount = texts?.count ?? predictions.count * (signature.outputType.byteCount ?? 0)
        text.append(contentsOf: "],\"parameters\":{\"binary_data_size\":".utf8)
        text.append(contentsOf: byteCount.description.utf8)
        text.append(contentsOf: "}}]}".utf8)
        // To a multiple of 32 with blanks: then the field that states the length is the same for one answer after another.
        while !(text.count - start).isMultiple(of: 32) { text.append(UInt8(ascii: " ")) }
        let jsonByteCount = text.count - start
        if let texts {
            text.append(contentsOf: texts)
        } else {
            appendBinary(predictions, signature.outputType, to: &text)
        }
        return jsonByteCount
    }

    /// The same as a `ModelInferResponse`: model_name 1, model_version 2, id 3, outputs 5, raw_output_contents 6.
    ///
    /// - Parameter id: the bytes of the request's id.
    package static func message(
        _ predictions: Span<Double>, to request: TensorRequest, id: UnsafeRawBufferPointer?, signature: ModelSignature
    ) -> [UInt8] {
        let classes = Classification(request, signature)
        var writer = ProtobufWriter()
        writer.string(1, signature.name)
        writer.string(2, signature.version)
        if let id = unsafe id { unsafe writer.data(3, id) }
        writer.message(5) { output in
            output.string(1, ModelSignature.outputName)
            output.string(2, (classes == nil ? signature.outputType : .bytes).rawValue)
            let width = classes?.count ?? (signature.outputCount > 1 ? signature.outputCount : nil)
            output.packed(3, [Int64(request.rowCount)] + (width.map { [Int64($0)] } ?? []))
            guard request.form == .typed else { return }
            output.message(5) { contents in
                if let classes {
                    classes.forEachText(predictions) { contents.data(8, $0.utf8) }
                } else if signature.outputType == .fp64 {
                    contents.packed(7, predictions.indices.map { predictions[$0] })
                } else {
                    contents.packed(6, predictions.indices.map { Float(predictions[$0]) })
                }
            }
        }
        if request.form == .binary {
            var bytes = classes?.binary(predictions) ?? []
            if classes == nil { appendBinary(predictions, signature.outputType, to: &bytes) }
            writer.data(6, bytes)
        }
        return writer.bytes
    }

    private static func append(_ classes: Classification, _ predictions: Span<Double>, to text: inout [UInt8]) {
        var isFirst = true
        classes.forEachText(predictions) { found in
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            text.append(contentsOf: jsonQuoted(found).utf8)
        }
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
