/// The best classes of each row as texts: `score:index`, or `score:index:label` where the model names its classes.
///
/// The greatest score comes first; of equal ones the lower index; what is no number comes last.
///
/// Source: Triton's "Classification Extension".
struct Classification {
    private let signature: ModelSignature
    /// Classes of each row.
    let count: Int

    /// Nil where the request asks for predictions.
    init?(_ request: TensorRequest, _ signature: ModelSignature) {
        guard request.classCount > 0 else { return nil }
        self.signature = signature
        count = min(request.classCount, signature.outputCount)
    }

    /// - Parameter predictions: shape [rowCount, outputCount], row-major.
    func forEachText(_ predictions: Span<Double>, _ body: (String) -> Void) {
        let width = signature.outputCount
        var order = Array(0..<width)
        for start in stride(from: 0, to: predictions.count, by: width) {
            let row = predictions.extracting(start..<start + width)
            for index in order.indices { order[index] = index }
            if width > 1 { order.sort { Self.precedes(row, $0, $1) } }
            for index in order.prefix(count) { body(text(row[index], index)) }
        }
    }

    private static func precedes(_ row: Span<Double>, _ left: Int, _ right: Int) -> Bool {
        let (a, b) = (row[left], row[right])
        if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? left < right : b.isNaN }
        return a == b ? left < right : a > b
    }

    private func text(_ score: Double, _ index: Int) -> String {
        let number = signature.outputType == .fp64 ? score.description : Float(score).description
        return signature.classLabels.isEmpty
            ? "\(number):\(index)" : "\(number):\(index):\(signature.classLabels[index])"
    }

    /// The texts as a BYTES tensor: each behind its length of four bytes.
    func binary(_ predictions: Span<Double>) -> [UInt8] {
        var bytes: [UInt8] = []
        forEachText(predictions) { text in
            let length = UInt32(text.utf8.count)
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> shift))
            }
            bytes.append(contentsOf: text.utf8)
        }
        return bytes
    }
}

extension TensorRequest {
    /// What writing a row's answer costs beside its numbers, in trees of five nanoseconds: sorting, and making texts.
    package func answerWork(_ signature: ModelSignature) -> Int {
        classCount == 0 ? 0 : 8 * signature.outputCount + 60 * min(classCount, signature.outputCount)
    }
}
