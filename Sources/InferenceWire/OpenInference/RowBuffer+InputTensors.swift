import JSONReader
import Protobuf

/// Tensors into rows, once all of a request's tensors are known.
extension RowBuffer {
    /// - Parameter body: the request that the tensors' places are in.
    /// - Returns: how many rows there are.
    mutating func fill(
        _ body: UnsafeRawBufferPointer, _ inputs: [InputTensor], _ signature: ModelSignature, _ limitRows: Int
    ) throws(OpenInferenceError) -> Int {
        let layout = try TensorLayout(inputs, signature, limitRows: limitRows)
        // Before any room is made: a shape must not ask for more than the request's bytes can hold.
        for (index, placement) in layout.placements.enumerated() { try checkSize(inputs[index], placement, index) }
        size(rowCount: layout.rowCount, featureCount: signature.featureCount)
        for (index, placement) in layout.placements.enumerated() {
            let datatype = inputs[index].datatype ?? signature.inputType
            switch inputs[index].content {
            case .raw(let range):
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: body[range])
                if datatype == .bytes {
                    try unsafe fillTexts(bytes, placement, signature.schema, input: index)
                } else {
                    unsafe fill(bytes, as: datatype, placement)
                }
            case .json(let range):
                let text = unsafe UnsafeRawBufferPointer(rebasing: body[range])
                try unsafe JSONReader.read(text, rules: requestRules) { (json) throws(OpenInferenceError) in
                    try fill(&json, as: datatype, placement, signature.schema, input: index)
                }
            case .typed(let range):
                let contents = unsafe ProtobufReader(
                    UnsafeRawBufferPointer(rebasing: body[range]), origin: range.lowerBound)
                if datatype == .bytes {
                    try fillTexts(contents, placement, signature.schema, input: index)
                } else {
                    try fill(contents, as: datatype, placement, input: index)
                }
            case .absent, .taken, .sized:
                throw .field("inputs[\(index)]", "there are \(inputs.count) inputs beside one that holds whole rows")
            }
        }
        return layout.rowCount
    }

    private func checkSize(
        _ input: InputTensor, _ placement: TensorPlacement, _ index: Int
    ) throws(OpenInferenceError) {
        switch input.content {
        case .raw(let range):
            guard let size = input.datatype?.byteCount else {
                // A text has its length before it.
                guard range.count / 4 >= placement.count else {
                    throw .field("inputs[\(index)]", "fewer texts than the \(placement.count) that its shape asks for")
                }
                return
            }
            guard range.count == placement.count * size else {
                throw .field(
                    "inputs[\(index)]",
                    "\(range.count) bytes; its shape and datatype ask for \(placement.count * size)")
            }
        case .json(let range), .typed(let range):
            // An element has a byte at the least.
            guard range.count >= placement.count else {
                throw .field("inputs[\(index)]", "fewer elements than the \(placement.count) that its shape asks for")
            }
        case .absent, .taken, .sized: return
        }
    }

    /// Infinities are refused, as in every other form of rows.
    func checkRows(_ featureCount: Int) throws(OpenInferenceError) {
        do throws(RowError) { try checkFinite(featureCount: featureCount) } catch { throw .rows(error) }
    }
}
