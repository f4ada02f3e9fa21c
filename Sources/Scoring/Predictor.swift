package import ModelImage
package import ModelTypes

/// What answers for an image: the kernels, or the library that runs its graph.
package struct Predictor: Sendable {
    // Not an enum of the two: a scorer is large, and to take it out of one for each request would cost more than a small forest.
    // Invariant: never asked where there is a session.
    private let scorer: Scorer
    private let session: (any GraphSession)?

    /// Takes as long as the library needs for a graph, which is then known to load and has scored a row of zeros: never on a
    /// serving loop. The image's bytes must outlive it.
    ///
    /// - Parameter runtime: what runs graphs; nil where nothing may.
    package init(_ image: ModelImageView, runtime: (any GraphRuntime)?) throws(PredictorError) {
        scorer = Scorer(any: image)
        guard image.isGraph else {
            session = nil
            return
        }
        guard let runtime else { throw .noRuntime }
        let session: any GraphSession
        do throws(GraphRuntimeError) {
            session = try unsafe runtime.session(of: image.graph)
        } catch {
            throw .graph(error)
        }
        let interface = session.interface
        guard interface.featureCount == image.featureCount, interface.outputCount == image.marginCount,
            interface.inputType == image.inputType, interface.outputType == image.accumulator
        else { throw .otherInterface }
        self.session = session
        try warmUp(interface)
    }

    /// One row, so that what a library puts off until the first is done, and what fails always fails here.
    private func warmUp(_ interface: GraphInterface) throws(PredictorError) {
        let row = [Double](repeating: 0, count: interface.featureCount)
        var predictions = [Double](repeating: 0, count: interface.outputCount)
        var target = predictions.mutableSpan
        do throws(GraphRunError) {
            try predict(row.span, rowCount: 1, into: &target, scratch: ScoringScratch())
        } catch {
            throw .warmUp(error)
        }
    }

    package var featureCount: Int { scorer.featureCount }
    /// Margins per row.
    package var marginCount: Int { scorer.marginCount }
    /// Predictions per row.
    package var outputCount: Int { scorer.outputCount }
    /// Whether a library answers, on whose time nobody may count.
    package var isGraph: Bool { session != nil }

    /// Predictions, [rowCount, outputCount], as ``Scorer/predict(_:rowCount:into:scratch:)`` has it; only a graph throws.
    package func predict(
        _ rows: Span<Float>, rowCount: Int, into outputs: inout MutableSpan<Double>, scratch: ScoringScratch
    ) throws(GraphRunError) {
        guard let session else { return scorer.predict(rows, rowCount: rowCount, into: &outputs, scratch: scratch) }
        try session.run(rows, rowCount: rowCount, into: &outputs)
    }

    package func predict(
        _ rows: Span<Double>, rowCount: Int, into outputs: inout MutableSpan<Double>, scratch: ScoringScratch
    ) throws(GraphRunError) {
        guard let session else { return scorer.predict(rows, rowCount: rowCount, into: &outputs, scratch: scratch) }
        try session.run(rows, rowCount: rowCount, into: &outputs)
    }

    /// Margins before the output transform, [rowCount, marginCount]; a graph has none, and its predictions are its margins.
    package func margins(
        _ rows: Span<Double>, rowCount: Int, into margins: inout MutableSpan<Double>, scratch: ScoringScratch
    ) throws(GraphRunError) {
        guard let session else { return scorer.margins(rows, rowCount: rowCount, into: &margins, scratch: scratch) }
        try session.run(rows, rowCount: rowCount, into: &margins)
    }
}

/// Why an image that is valid is not answered for.
package enum PredictorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A graph, and nothing was given that may run it. Say how to start with one.
    case noRuntime
    case graph(GraphRuntimeError)
    /// The library sees other inputs or outputs than the image says.
    case otherInterface
    /// It does not even take a row of zeros.
    case warmUp(GraphRunError)

    package var description: String {
        switch self {
        case .noRuntime: "the model is a graph that only ONNX Runtime runs"
        case .graph(let error): "\(error)"
        case .otherInterface: "ONNX Runtime sees other inputs or outputs of the graph than its file declares"
        case .warmUp(let error): "a row of zeros: \(error)"
        }
    }
}
