import JSONReader

/// Inference requests of the REST protocol: a JSON object, and behind it binary tensors where the head says so.
///
/// Source: "Open Inference Protocol" (inference request); Triton's "Binary Tensor Data Extension".
extension RowBuffer {
    /// Reads a whole body, replacing the rows of the request before.
    ///
    /// - Parameters:
    ///   - body: lent for the call.
    ///   - jsonByteCount: `Inference-Header-Content-Length`; nil when the body is JSON and nothing else.
    ///   - limitRows: more rows than this are refused before they are kept.
    /// - Throws: ``OpenInferenceError``; the buffer then holds no rows.
    @specialized(where Number == Float)
    @specialized(where Number == Double)
    package mutating func readInference(
        _ body: UnsafeRawBufferPointer, jsonByteCount: Int?, signature: ModelSignature, limitRows: Int,
        scratch: inout TensorScratch
    ) throws(OpenInferenceError) -> TensorRequest {
        clear()
        do throws(OpenInferenceError) {
            let jsonEnd = jsonByteCount ?? body.count
            guard (0...body.count).contains(jsonEnd) else {
                throw .field(
                    "Inference-Header-Content-Length", "\(jsonEnd), where the body has \(body.count) bytes")
            }
            scratch.clear()
            let json = unsafe UnsafeRawBufferPointer(rebasing: body[..<jsonEnd])
            let bounds = RequestBounds(signature: signature, limitRows: limitRows, byteCount: jsonEnd)
            var request = unsafe try readHead(json, bounds, &scratch.inputs)
            try placeBinary(
                body.count - jsonEnd, from: jsonEnd, hasHeader: jsonByteCount != nil, &scratch.inputs)
            if scratch.inputs.count == 1, scratch.inputs[0].content == .taken {
                request.rowCount = rowCount
            } else {
                request.rowCount = try unsafe fill(body, scratch.inputs, signature, limitRows)
            }
            try checkRows(signature.featureCount)
            return request
        } catch {
            clear()
            throw error
        }
    }

    // MARK: The object

    private mutating func readHead(
        _ text: UnsafeRawBufferPointer, _ bounds: RequestBounds, _ inputs: inout [InputTensor]
    ) throws(OpenInferenceError) -> TensorRequest {
        var request = TensorRequest()
        var asked = AskedForm()
        try unsafe JSONReader.read(text, rules: requestRules) { (json) throws(OpenInferenceError) in
            try json.at("") { (json) throws(JSONError) in try json.beginObject() }
            while let key = try json.key("") {
                if json.text(key, is: "inputs") {
                    guard inputs.isEmpty else { throw .field("inputs", "stands twice") }
                    try readInputs(&json, bounds, &inputs)
                } else if json.text(key, is: "id") {
                    try json.at("id") { (json) throws(JSONError) in
                        if try !json.readNull() { request.idRange = try json.readText().range }
                    }
                } else if json.text(key, is: "parameters") {
                    try json.parameters("parameters") { (json, key) throws(JSONError) in
                        guard json.text(key, is: "binary_data_output") else { return try json.skipValue() }
                        asked.all = try json.readBool()
                    }
                } else if json.text(key, is: "outputs") {
                    try readOutputs(&json, &asked)
                } else {
                    try json.at("") { (json) throws(JSONError) in try json.skipValue() }
                }
            }
            try json.at("") { (json) throws(JSONError) in try json.finish() }
        }
        if asked.isBinary { request.form = .binary }
        request.classCount = asked.classCount
        return request
    }

    private mutating func readInputs(
        _ json: inout JSONReader, _ bounds: RequestBounds, _ inputs: inout [InputTensor]
    ) throws(OpenInferenceError) {
        try json.at("inputs") { (json) throws(JSONError) in try json.beginArray() }
        while try json.element("inputs") {
            guard inputs.count < bounds.signature.featureCount else {
                throw .field(
                    "inputs", "more than one for each of the model's \(bounds.signature.featureCount) features")
            }
            inputs.append(try readInput(&json, inputs.count, bounds))
        }
    }

    private mutating func readInput(
        _ json: inout JSONReader, _ index: Int, _ bounds: RequestBounds
    ) throws(OpenInferenceError) -> InputTensor {
        var input = InputTensor()
        func field(_ name: String) -> String { "inputs[\(index)].\(name)" }
        try json.at("inputs[\(index)]") { (json) throws(JSONError) in try json.beginObject() }
        while let key = try json.key("inputs[\(index)]") {
            if json.text(key, is: "name") {
                try json.at(field("name")) { (json) throws(JSONError) in input.name = try json.readString() }
            } else if json.text(key, is: "datatype") {
                input.datatype = try json.datatype(field("datatype"))
            } else if json.text(key, is: "shape") {
                input.shape = try json.shape(field("shape"))
            } else if json.text(key, is: "parameters") {
                try readParameters(&json, index, &input)
            } else if json.text(key, is: "data") {
                guard input.content == .absent else { throw .field(field("data"), "beside binary data") }
                input.content = try takeWhole(&json, index, input, bounds)
            } else {
                try json.at(field("")) { (json) throws(JSONError) in try json.skipValue() }
            }
        }
        guard !input.name.isEmpty else { throw .field(field("name"), "missing") }
        guard input.datatype != nil else { throw .field(field("datatype"), "missing") }
        guard input.shape != nil else { throw .field(field("shape"), "missing") }
        guard input.content != .absent else { throw .field(field("data"), "missing") }
        return input
    }

    /// The first tensor's data, if it holds whole rows and all about it is known by now: then it is read at once. What else
    /// comes is stepped over, to be read when all tensors are known.
    private mutating func takeWhole(
        _ json: inout JSONReader, _ index: Int, _ input: InputTensor, _ bounds: RequestBounds
    ) throws(OpenInferenceError) -> InputTensor.Content {
        let start = json.offset
        let features = bounds.signature.featureCount
        // An element has a byte at the least: a shape must not ask for more than the request can hold.
        if index == 0, let datatype = input.datatype, let shape = input.shape, shape.second == features,
            shape.elementCount <= bounds.byteCount - start
        {
            let layout = try TensorLayout([input], bounds.signature, limitRows: bounds.limitRows)
            size(rowCount: layout.rowCount, featureCount: features)
            try fill(&json, as: datatype, layout.placements[0], bounds.signature.schema, input: index)
            return .taken
        }
        try json.at("inputs[\(index)].data") { (json) throws(JSONError) in try json.skipValue() }
        return .json(start..<json.offset)
    }

    private func readParameters(
        _ json: inout JSONReader, _ index: Int, _ input: inout InputTensor
    ) throws(OpenInferenceError) {
        let field = "inputs[\(index)].parameters"
        var isShared = false
        var byteCount: Int?
        try json.parameters(field) { (json, key) throws(JSONError) in
            if json.text(key, is: "binary_data_size") {
                byteCount = try json.readInt()
            } else {
                if json.text(key, is: "shared_memory_region") { isShared = true }
                try json.skipValue()
            }
        }
        guard !isShared else { throw .field(field + ".shared_memory_region", "shared memory is not served") }
        guard let byteCount else { return }
        guard byteCount >= 0 else { throw .field(field + ".binary_data_size", "\(byteCount)") }
        guard input.content == .absent else { throw .field("inputs[\(index)].data", "beside binary data") }
        input.content = .sized(byteCount)
    }

    // MARK: Elements

    /// Gives each binary tensor its place behind the JSON; together they are exactly what is there.
    private func placeBinary(
        _ byteCount: Int, from start: Int, hasHeader: Bool, _ inputs: inout [InputTensor]
    ) throws(OpenInferenceError) {
        var position = start
        for index in inputs.indices {
            guard case .sized(let size) = inputs[index].content else { continue }
            guard size <= start + byteCount - position else {
                throw .field(
                    "inputs[\(index)].parameters.binary_data_size",
                    hasHeader
                        ? "\(size), where the body has \(start + byteCount - position) bytes left"
                        : "\(size), without a header Inference-Header-Content-Length")
            }
            inputs[index].content = .raw(position..<position + size)
            position += size
        }
        guard position == start + byteCount else {
            throw .field(
                "Inference-Header-Content-Length", "\(start + byteCount - position) bytes follow that no input asks for"
            )
        }
    }
}

/// What a request is held to while it is read.
private struct RequestBounds {
    let signature: ModelSignature
    let limitRows: Int
    /// Of the JSON.
    let byteCount: Int
}

/// Whether outputs are asked for in binary, by each output, else for all; and how many classes instead of predictions.
private struct AskedForm {
    var all: Bool?
    var output: Bool?
    var classCount = 0

    var isBinary: Bool { output ?? all ?? false }
}

extension RowBuffer {
    private func readOutputs(_ json: inout JSONReader, _ asked: inout AskedForm) throws(OpenInferenceError) {
        var count = 0
        try json.at("outputs") { (json) throws(JSONError) in try json.beginArray() }
        while try json.element("outputs") {
            let field = "outputs[\(count)]"
            var name: String?
            var classification: Int64 = 0
            var isShared = false
            try json.at(field) { (json) throws(JSONError) in try json.beginObject() }
            while let key = try json.key(field) {
                if json.text(key, is: "name") {
                    try json.at(field + ".name") { (json) throws(JSONError) in name = try json.readString() }
                } else if json.text(key, is: "parameters") {
                    try json.parameters(field + ".parameters") { (json, key) throws(JSONError) in
                        if json.text(key, is: "binary_data") {
                            asked.output = try json.readBool()
                        } else if json.text(key, is: "classification") {
                            classification = Int64(try json.readInt())
                        } else {
                            if json.text(key, is: "shared_memory_region") { isShared = true }
                            try json.skipValue()
                        }
                    }
                } else {
                    try json.at(field) { (json) throws(JSONError) in try json.skipValue() }
                }
            }
            asked.classCount = try RequestedOutput.check(
                name ?? "", count, classification: classification, isShared: isShared)
            count += 1
        }
    }
}
