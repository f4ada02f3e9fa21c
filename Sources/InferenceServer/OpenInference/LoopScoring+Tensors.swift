import HTTPKernel
import InferenceWire
import NIOCore

/// The two forms in which inference requests come, and their answers go.
enum TensorWire: Sendable, Equatable {
    /// JSON, of which there are so many bytes where binary tensors follow.
    case json(byteCount: Int?)
    /// `ModelInferRequest` and `ModelInferResponse`.
    case message
}

/// The answer to an inference request.
struct TensorReply: Sendable {
    let body: ByteBuffer
    /// How much of it is JSON, where binary tensors follow.
    let jsonByteCount: Int?
}

/// Requests of the Open Inference Protocol and their answers.
extension LoopScoring {
    /// Reads a request; its rows stay here until they are scored or taken.
    func read(
        _ body: ByteBuffer, as wire: TensorWire, for signature: ModelSignature, limitRows: Int
    ) throws(OpenInferenceError) -> TensorRequest {
        let result: Result<TensorRequest, OpenInferenceError> = unsafe body.withUnsafeReadableBytes { bytes in
            do throws(OpenInferenceError) {
                switch signature.inputType {
                case .fp64: return .success(try unsafe read(bytes, wire, signature, limitRows, into: &doubles))
                default: return .success(try unsafe read(bytes, wire, signature, limitRows, into: &floats))
                }
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func read<Number: RowNumber>(
        _ bytes: UnsafeRawBufferPointer, _ wire: TensorWire, _ signature: ModelSignature, _ limitRows: Int,
        into rows: inout RowBuffer<Number>
    ) throws(OpenInferenceError) -> TensorRequest {
        switch wire {
        case .json(let byteCount):
            try unsafe rows.readInference(
                bytes, jsonByteCount: byteCount, signature: signature, limitRows: limitRows, scratch: &tensors)
        case .message:
            try unsafe rows.readInference(
                message: bytes, signature: signature, limitRows: limitRows, scratch: &tensors)
        }
    }

    /// Writes the answer from the predictions that are here.
    ///
    /// - Parameter body: the request, of which the answer repeats the id.
    func write(
        _ request: TensorRequest, _ body: ByteBuffer, as wire: TensorWire, for signature: ModelSignature
    ) -> TensorReply {
        let predictions = predictions
        let span = predictions.span.extracting(first: request.rowCount * signature.outputCount)
        return unsafe body.withUnsafeReadableBytes { bytes in
            let id = unsafe request.idRange.map { unsafe UnsafeRawBufferPointer(rebasing: bytes[$0]) }
            switch wire {
            case .json:
                text.removeAll(keepingCapacity: true)
                let jsonByteCount = unsafe InferAnswer.append(
                    span, to: request, id: id, signature: signature, text: &text)
                return TensorReply(body: filled(text), jsonByteCount: jsonByteCount)
            case .message:
                let message = unsafe InferAnswer.message(span, to: request, id: id, signature: signature)
                return TensorReply(body: filled(message), jsonByteCount: nil)
            }
        }
    }
}
