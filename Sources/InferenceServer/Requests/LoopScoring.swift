import HTTPKernel
import InferenceWire
import ModelTypes
import NIOCore
import NIOHTTP1
import Scoring
import Telemetry

/// The buffers in which one thread reads, scores and writes one request after another, in whichever protocol it comes. In a
/// steady load they have grown to what they need, and a small answer allocates nothing.
final class LoopScoring {
    var floats = RowBuffer<Float>()
    var doubles = RowBuffer<Double>()
    var tensors = TensorScratch()
    /// Of the rows that were scored last; there may be more numbers behind them.
    private(set) var predictions: [Double] = []
    var text: [UInt8] = []
    private var reply = ByteBuffer()
    private let scratch = ScoringScratch()

    /// Rows on their way to another thread, in the model's own number type.
    enum Rows: Sendable {
        case floats(RowBuffer<Float>)
        case doubles(RowBuffer<Double>)
    }

    /// Reads a body and answers how many rows it has.
    func read(
        _ body: ByteBuffer, as format: RowFormat, for model: LoadedModel, _ schema: RowSchema, limits: RowLimits
    ) throws(RowError) -> Int {
        let result: Result<Int, RowError> = unsafe body.withUnsafeReadableBytes { bytes in
            do throws(RowError) {
                switch model.inputType {
                case .float32: try unsafe floats.read(bytes, as: format, schema: schema, limits: limits)
                case .float64: try unsafe doubles.read(bytes, as: format, schema: schema, limits: limits)
                }
                return .success(rowCount(for: model))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func rowCount(for model: LoadedModel) -> Int {
        switch model.inputType {
        case .float32: floats.rowCount
        case .float64: doubles.rowCount
        }
    }

    /// The rows that were read here, which are then gone from here.
    func takeRows(for model: LoadedModel) -> Rows {
        switch model.inputType {
        case .float32:
            defer { floats = RowBuffer() }
            return .floats(floats)
        case .float64:
            defer { doubles = RowBuffer() }
            return .doubles(doubles)
        }
    }

    /// Takes rows that were read elsewhere.
    func put(_ rows: Rows) {
        switch rows {
        case .floats(let buffer): floats = buffer
        case .doubles(let buffer): doubles = buffer
        }
    }

    /// Scores the rows that are here.
    ///
    /// - Parameter scores: counts the predictions.
    /// - Throws: only where a library runs the model.
    func predict(for model: LoadedModel, counting scores: inout ValueHistogram) throws(GraphRunError) {
        let rowCount = rowCount(for: model)
        let outputs = rowCount * model.outputCount
        // Spans are taken of locals: what a property holds could be replaced while a span looks at it.
        var predictions: [Double] = []
        swap(&predictions, &self.predictions)
        defer { swap(&predictions, &self.predictions) }
        if predictions.count < outputs { predictions = [Double](repeating: 0, count: outputs) }
        var target = predictions.mutableSpan
        switch model.inputType {
        case .float32:
            let values = floats.values
            try model.predictor.predict(values.span, rowCount: rowCount, into: &target, scratch: scratch)
        case .float64:
            let values = doubles.values
            try model.predictor.predict(values.span, rowCount: rowCount, into: &target, scratch: scratch)
        }
        scores.observe(predictions.span.extracting(first: outputs))
    }

    /// Scores the rows that are here and writes the answer.
    ///
    /// - Parameter scores: counts the predictions.
    /// - Throws: only where a library runs the model.
    func score(
        for model: LoadedModel, as format: RowFormat, head: ResponseHead, counting scores: inout ValueHistogram
    ) throws(Refusal) -> Response {
        do throws(GraphRunError) {
            try predict(for: model, counting: &scores)
        } catch {
            throw Refusal(error)
        }
        let predictions = predictions
        let span = predictions.span.extracting(first: rowCount(for: model) * model.outputCount)
        text.removeAll(keepingCapacity: true)
        PredictionWriter.append(span, outputCount: model.outputCount, as: format, to: &text)
        return Response(head, body: filled(text))
    }

    /// A body of these bytes.
    ///
    /// The connection has copied a small answer before the next request is read: then the storage is free again. One that is
    /// still on its way keeps its storage, and the next answer gets another.
    func filled(_ bytes: [UInt8]) -> ByteBuffer {
        reply.clear()
        reply.writeBytes(bytes)
        return reply
    }
}
