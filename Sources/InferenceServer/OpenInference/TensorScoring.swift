import HTTPKernel
import InferenceWire
import ModelTypes
import NIOCore
import Scoring
import Telemetry

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

/// The buffers in which one thread answers one inference request after another. In a steady load they have grown to what they
/// need, and reading and scoring allocate nothing.
final class TensorScoring {
    private var floats = RowBuffer<Float>()
    private var doubles = RowBuffer<Double>()
    private var scratch = TensorScratch()
    private var predictions: [Double] = []
    private var text: [UInt8] = []
    private var reply = ByteBuffer()
    private let scoringScratch = ScoringScratch()

    /// Reads a request; its rows stay here until they are scored or taken.
    func read(
        _ body: ByteBuffer, as wire: TensorWire, for model: LoadedModel, limitRows: Int
    ) throws(OpenInferenceError) -> TensorRequest {
        let result: Result<TensorRequest, OpenInferenceError> = unsafe body.withUnsafeReadableBytes { bytes in
            do throws(OpenInferenceError) {
                switch model.inputType {
                case .float32: return .success(try unsafe read(bytes, wire, model, limitRows, into: &floats))
                case .float64: return .success(try unsafe read(bytes, wire, model, limitRows, into: &doubles))
                }
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func read<Number: RowNumber>(
        _ bytes: UnsafeRawBufferPointer, _ wire: TensorWire, _ model: LoadedModel, _ limitRows: Int,
        into rows: inout RowBuffer<Number>
    ) throws(OpenInferenceError) -> TensorRequest {
        switch wire {
        case .json(let byteCount):
            try unsafe rows.readInference(
                bytes, jsonByteCount: byteCount, signature: model.signature, limitRows: limitRows, scratch: &scratch)
        case .message:
            try unsafe rows.readInference(
                message: bytes, signature: model.signature, limitRows: limitRows, scratch: &scratch)
        }
    }

    /// The rows that were read here, which are then gone from here.
    func takeRows(for model: LoadedModel) -> LoopScoring.Rows {
        switch model.inputType {
        case .float32:
            defer { floats = RowBuffer() }
            return .floats(floats)
        case .float64:
            defer { doubles = RowBuffer() }
            return .doubles(doubles)
        }
    }

    func put(_ rows: LoopScoring.Rows) {
        switch rows {
        case .floats(let buffer): floats = buffer
        case .doubles(let buffer): doubles = buffer
        }
    }

    /// Scores the rows that are here.
    ///
    /// - Parameter scores: counts the predictions.
    /// - Throws: only where a library runs the model.
    func score(
        _ request: TensorRequest, for model: LoadedModel, counting scores: inout ValueHistogram
    ) throws(GraphRunError) {
        let count = request.rowCount * model.outputCount
        if predictions.count < count { predictions = [Double](repeating: 0, count: count) }
        // Spans are taken of locals: what a property holds could be replaced while a span looks at it.
        var predictions: [Double] = []
        swap(&predictions, &self.predictions)
        defer { swap(&predictions, &self.predictions) }
        var target = predictions.mutableSpan
        switch model.inputType {
        case .float32:
            let values = floats.values
            try model.predictor.predict(values.span, rowCount: request.rowCount, into: &target, scratch: scoringScratch)
        case .float64:
            let values = doubles.values
            try model.predictor.predict(values.span, rowCount: request.rowCount, into: &target, scratch: scoringScratch)
        }
        scores.observe(predictions.span.extracting(first: count))
    }

    /// Writes the answer from the predictions that are here.
    ///
    /// - Parameter body: the request, of which the answer repeats the id.
    func write(_ request: TensorRequest, _ body: ByteBuffer, as wire: TensorWire, for model: LoadedModel) -> TensorReply
    {
        let predictions = predictions
        let span = predictions.span.extracting(first: request.rowCount * model.outputCount)
        return unsafe body.withUnsafeReadableBytes { bytes in
            let id = unsafe request.idRange.map { unsafe UnsafeRawBufferPointer(rebasing: bytes[$0]) }
            // The connection has copied a small answer before the next request is read: then the storage is free again. One
            // that is still on its way keeps its storage, and the next answer gets another.
            reply.clear()
            switch wire {
            case .json:
                text.removeAll(keepingCapacity: true)
                let jsonByteCount = unsafe InferAnswer.append(
                    span, to: request, id: id, signature: model.signature, text: &text)
                reply.writeBytes(text)
                return TensorReply(body: reply, jsonByteCount: jsonByteCount)
            case .message:
                reply.writeBytes(
                    unsafe InferAnswer.message(span, to: request, id: id, signature: model.signature))
                return TensorReply(body: reply, jsonByteCount: nil)
            }
        }
    }
}
