import Protobuf

/// `ModelInferRequest` of the gRPC protocol: each tensor's elements in its typed contents, or those of all in raw contents.
///
/// Source: field numbers of `open_inference_grpc.proto` (Open Inference Protocol), the same as Triton's `grpc_service.proto`.
extension RowBuffer {
    /// Reads a whole message, replacing the rows of the request before.
    ///
    /// - Parameter message: lent for the call.
    /// - Throws: ``OpenInferenceError``; the buffer then holds no rows.
    @specialized(where Number == Float)
    @specialized(where Number == Double)
    package mutating func readInference(
        message: UnsafeRawBufferPointer, signature: ModelSignature, limitRows: Int, scratch: inout TensorScratch
    ) throws(OpenInferenceError) -> TensorRequest {
        clear()
        do throws(OpenInferenceError) {
            scratch.clear()
            var request = try unsafe InferMessageHead.read(message, signature, &scratch)
            request.rowCount = try unsafe fill(message, scratch.inputs, signature, limitRows)
            try checkRows(signature.featureCount)
            return request
        } catch {
            clear()
            throw error
        }
    }
}

/// All of a `ModelInferRequest` but the elements of its tensors.
private enum InferMessageHead {
    static func read(
        _ message: UnsafeRawBufferPointer, _ signature: ModelSignature, _ scratch: inout TensorScratch
    ) throws(OpenInferenceError) -> TensorRequest {
        var request = TensorRequest()
        var outputCount = 0
        var reader = unsafe ProtobufReader(message)
        while try reader.hasNext() {
            switch reader.field {
            case 3: request.idRange = try reader.place()
            case 5:
                guard scratch.inputs.count < signature.featureCount else {
                    throw .field("inputs", "more than one for each of the model's \(signature.featureCount) features")
                }
                scratch.inputs.append(try input(try reader.inner(), scratch.inputs.count))
            case 6:
                request.classCount = try classCount(ofOutput: try reader.inner(), outputCount)
                outputCount += 1
            case 7:
                guard scratch.raws.count < signature.featureCount else {
                    throw .field("raw_input_contents", "more than one for each of the model's features")
                }
                scratch.raws.append(try reader.place())
            default: try reader.pass()
            }
        }
        if request.idRange?.isEmpty == true { request.idRange = nil }
        request.form = try placeRaws(&scratch) ? .binary : .typed
        return request
    }

    /// Gives the inputs their raw contents, which stand in the same order.
    ///
    /// - Returns: whether there were any.
    private static func placeRaws(_ scratch: inout TensorScratch) throws(OpenInferenceError) -> Bool {
        guard !scratch.raws.isEmpty else {
            for (index, input) in scratch.inputs.enumerated() where input.content == .absent {
                throw .field("inputs[\(index)].contents", "missing, and there are no raw_input_contents")
            }
            return false
        }
        guard scratch.raws.count == scratch.inputs.count else {
            throw .field(
                "raw_input_contents", "there are \(scratch.raws.count), and \(scratch.inputs.count) inputs")
        }
        for index in scratch.inputs.indices {
            guard scratch.inputs[index].content == .absent else {
                throw .field("inputs[\(index)].contents", "beside raw_input_contents")
            }
            scratch.inputs[index].content = .raw(scratch.raws[index])
        }
        return true
    }

    /// `InferInputTensor`: name 1, datatype 2, shape 3, parameters 4, contents 5.
    private static func input(_ message: ProtobufReader, _ index: Int) throws(OpenInferenceError) -> InputTensor {
        var message = message
        var input = InputTensor()
        var dimensions: (count: Int, first: Int64, second: Int64) = (0, 0, 0)
        while try message.hasNext() {
            switch message.field {
            case 1: input.name = try message.text()
            case 2: input.datatype = try TensorDatatype.named(try message.text(), field: "inputs[\(index)].datatype")
            case 3:
                do throws(ProtobufError) {
                    try message.eachSigned { size in
                        if dimensions.count == 0 { dimensions.first = size } else { dimensions.second = size }
                        dimensions.count += 1
                    }
                } catch {
                    throw .message(error)
                }
            case 4:
                guard try parameter(try message.inner()).key != "shared_memory_region" else {
                    throw .field(
                        "inputs[\(index)].parameters.shared_memory_region", "shared memory is not served")
                }
            case 5:
                guard input.content == .absent else { throw .field("inputs[\(index)].contents", "stand twice") }
                input.content = .typed(try message.place())
            default: try message.pass()
            }
        }
        guard !input.name.isEmpty else { throw .field("inputs[\(index)].name", "missing") }
        guard input.datatype != nil else { throw .field("inputs[\(index)].datatype", "missing") }
        input.shape = try TensorShape(dimensions, field: "inputs[\(index)].shape")
        return input
    }

    /// `InferRequestedOutputTensor`: name 1, parameters 2.
    ///
    /// - Returns: how many classes are asked for.
    private static func classCount(ofOutput message: ProtobufReader, _ index: Int) throws(OpenInferenceError) -> Int {
        var message = message
        var name = ""
        var classification: Int64 = 0
        var isShared = false
        while try message.hasNext() {
            switch message.field {
            case 1: name = try message.text()
            case 2:
                let (key, integer) = try parameter(try message.inner())
                if key == "classification" { classification = integer }
                if key == "shared_memory_region" { isShared = true }
            default: try message.pass()
            }
        }
        return try RequestedOutput.check(name, index, classification: classification, isShared: isShared)
    }

    /// An entry of a map from names to `InferParameter`: its key 1, and of its value 2 the `int64_param` 2.
    private static func parameter(_ entry: ProtobufReader) throws(OpenInferenceError) -> (key: String, integer: Int64) {
        var entry = entry
        var key = ""
        var integer: Int64 = 0
        while try entry.hasNext() {
            switch entry.field {
            case 1: key = try entry.text()
            case 2:
                var value = try entry.inner()
                while try value.hasNext() {
                    if value.field == 2 { integer = try value.integer() } else { try value.pass() }
                }
            default: try entry.pass()
            }
        }
        return (key, integer)
    }
}

/// The reader's steps with this layer's errors.
extension ProtobufReader {
    mutating func hasNext() throws(OpenInferenceError) -> Bool {
        do throws(ProtobufError) { return try next() } catch { throw .message(error) }
    }

    mutating func pass() throws(OpenInferenceError) {
        do throws(ProtobufError) { try skip() } catch { throw .message(error) }
    }

    mutating func text() throws(OpenInferenceError) -> String {
        do throws(ProtobufError) { return try string() } catch { throw .message(error) }
    }

    mutating func integer() throws(OpenInferenceError) -> Int64 {
        do throws(ProtobufError) { return try signed() } catch { throw .message(error) }
    }

    mutating func truth() throws(OpenInferenceError) -> Bool {
        do throws(ProtobufError) { return try bool() } catch { throw .message(error) }
    }

    mutating func inner() throws(OpenInferenceError) -> ProtobufReader {
        do throws(ProtobufError) { return try message() } catch { throw .message(error) }
    }

    /// Where the field's bytes are in the outermost message.
    mutating func place() throws(OpenInferenceError) -> Range<Int> {
        do throws(ProtobufError) {
            let count = unsafe try data().count
            return offset - count..<offset
        } catch {
            throw .message(error)
        }
    }
}
