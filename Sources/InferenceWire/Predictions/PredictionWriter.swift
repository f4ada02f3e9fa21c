/// Writes predictions as text: the shortest decimal that reads back to the same number.
package enum PredictionWriter {
    /// - Parameters:
    ///   - predictions: shape [rowCount, outputCount], row-major.
    ///   - text: receives the bytes behind what it holds.
    ///
    /// CSV has one row a line, its outputs separated by commas. JSON is `{"predictions": […]}` with a number a row, or an
    /// array a row where the model has several outputs; what is not finite becomes null, since JSON has no word for it.
    package static func append(
        _ predictions: Span<Double>, outputCount: Int, as format: RowFormat, to text: inout [UInt8]
    ) {
        precondition(outputCount > 0 && predictions.count.isMultiple(of: outputCount), "a row has all its outputs")
        switch format {
        case .csv: appendCSV(predictions, outputCount, to: &text)
        case .json: appendJSON(predictions, outputCount, to: &text)
        }
    }

    private static func appendCSV(_ predictions: Span<Double>, _ outputCount: Int, to text: inout [UInt8]) {
        for index in predictions.indices {
            text.append(contentsOf: predictions[index].description.utf8)
            text.append((index + 1).isMultiple(of: outputCount) ? UInt8(ascii: "\n") : UInt8(ascii: ","))
        }
    }

    private static func appendJSON(_ predictions: Span<Double>, _ outputCount: Int, to text: inout [UInt8]) {
        text.append(contentsOf: "{\"predictions\": [".utf8)
        for index in predictions.indices {
            let isFirstOfRow = index.isMultiple(of: outputCount)
            let isLastOfRow = (index + 1).isMultiple(of: outputCount)
            if index > 0 { text.append(contentsOf: ", ".utf8) }
            if outputCount > 1 && isFirstOfRow { text.append(UInt8(ascii: "[")) }
            let value = predictions[index]
            text.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
            if outputCount > 1 && isLastOfRow { text.append(UInt8(ascii: "]")) }
        }
        text.append(contentsOf: "]}".utf8)
    }
}
