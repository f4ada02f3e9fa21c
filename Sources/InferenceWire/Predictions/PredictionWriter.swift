/// Writes predictions as text: the shortest decimal that reads back to the same number.
package enum PredictionWriter {
    /// - Parameters:
    ///   - predictions: shape [rowCount, outputCount], row-major.
    ///   - text: receives the bytes behind what it holds.
    ///
    /// CSV has one row a line, its outputs separated by commas. JSON is `{"predictions": […]}` with a number a row, or an
    /// array a row where the model has several outputs; what is not finite becomes null, since JSON has no word for it. JSON
    /// lines are `{"score": …}` a row, the key that SageMaker's containers write.
    package static func append(
        _ predictions: Span<Double>, outputCount: Int, as format: RowFormat, to text: inout [UInt8]
    ) {
        precondition(outputCount > 0 && predictions.count.isMultiple(of: outputCount), "a row has all its outputs")
        switch format {
        case .csv, .csvWithHeader: appendCSV(predictions, outputCount, to: &text)
        case .json:
            text.append(contentsOf: "{\"predictions\": [".utf8)
            appendRows(predictions, outputCount, to: &text, beforeRow: "", betweenRows: ", ", afterRow: "")
            text.append(contentsOf: "]}".utf8)
        case .jsonLines:
            appendRows(
                predictions, outputCount, to: &text, beforeRow: "{\"score\": ", betweenRows: "", afterRow: "}\n")
        }
    }

    private static func appendCSV(_ predictions: Span<Double>, _ outputCount: Int, to text: inout [UInt8]) {
        for index in predictions.indices {
            text.append(contentsOf: predictions[index].description.utf8)
            text.append((index + 1).isMultiple(of: outputCount) ? UInt8(ascii: "\n") : UInt8(ascii: ","))
        }
    }

    private static func appendRows(
        _ predictions: Span<Double>, _ outputCount: Int, to text: inout [UInt8], beforeRow: String,
        betweenRows: String, afterRow: String
    ) {
        for index in predictions.indices {
            let isFirstOfRow = index.isMultiple(of: outputCount)
            let isLastOfRow = (index + 1).isMultiple(of: outputCount)
            if index > 0 { text.append(contentsOf: (isFirstOfRow ? betweenRows : ", ").utf8) }
            if isFirstOfRow { text.append(contentsOf: beforeRow.utf8) }
            if outputCount > 1 && isFirstOfRow { text.append(UInt8(ascii: "[")) }
            let value = predictions[index]
            text.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
            if outputCount > 1 && isLastOfRow { text.append(UInt8(ascii: "]")) }
            if isLastOfRow { text.append(contentsOf: afterRow.utf8) }
        }
    }
}
