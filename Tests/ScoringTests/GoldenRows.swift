import Foundation
import JSONReader
import ModelImage
import ModelTypes
import Scoring
import Testing

/// Rows with what the reference library answers: CSV with a header; features (empty = missing), then the columns called
/// `margin`, if any, then the predictions.
struct GoldenRows {
    let rowCount: Int
    let featureCount: Int
    let features: [Double]
    let margins: [Double]
    let predictions: [Double]

    /// - Parameter texts: The columns that hold texts, which become the hashes that the library makes of them.
    init(csv path: String, texts: Set<Int> = []) throws {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").filter {
            !$0.hasPrefix("#")
        }
        let header = try #require(lines.first).split(separator: ",")
        let width = try #require(header.firstIndex { $0 == "margin" || $0 == "prediction" })
        let marginEnd = width + header.count { $0 == "margin" }
        var (features, margins, predictions): ([Double], [Double], [Double]) = ([], [], [])
        for line in lines.dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            for (index, field) in fields.enumerated() {
                let isText = texts.contains(index)
                let number =
                    field.isEmpty
                    ? .nan
                    : isText
                        ? CategoryHash.number(CategoryHash.category(String(field)))
                        : NumberText.double(Array(field.utf8).span)
                let value = try #require(number)
                if index < width {
                    features.append(value)
                } else if index < marginEnd {
                    margins.append(value)
                } else {
                    predictions.append(value)
                }
            }
        }
        rowCount = lines.count - 1
        featureCount = width
        (self.features, self.margins, self.predictions) = (features, margins, predictions)
    }

    /// Margins must be equal to the bit, predictions within `outputTolerance` (the reference may have used another libm).
    /// All rows at once and one by one, as Float where the model takes Float.
    func check(_ model: ModelDescription, outputTolerance: Double) throws {
        let image = try LoadedImage(model)
        try #require(image.scorer.featureCount == featureCount)
        let rows32 = features.map { Float($0) }
        let isFloat = image.view.inputType == .float32
        let together = isFloat ? image.margins(rows32, rowCount: rowCount) : image.margins(features, rowCount: rowCount)
        let wrong = zip(together, margins).filter { $0 != $1 }
        #expect(wrong.isEmpty, "\(wrong.count) margins differ, first \(String(describing: wrong.first))")
        let outputs =
            isFloat ? image.predictions(rows32, rowCount: rowCount) : image.predictions(features, rowCount: rowCount)
        #expect(outputs.count == predictions.count)
        let far = zip(outputs, predictions).filter { !(abs($0 - $1) <= outputTolerance * max(1, abs($1))) && $0 != $1 }
        #expect(far.isEmpty, "\(far.count) predictions differ, first \(String(describing: far.first))")
        let width = image.scorer.marginCount
        for row in 0..<rowCount {
            let range = row * featureCount..<(row + 1) * featureCount
            let alone =
                isFloat
                ? image.margins(Array(rows32[range]), rowCount: 1) : image.margins(Array(features[range]), rowCount: 1)
            if alone != Array(together[row * width..<(row + 1) * width]) { Issue.record("row \(row) alone differs") }
        }
        for kernels in KernelSet.allCases {
            let other = try LoadedImage(model, kernels: kernels)
            let again =
                isFloat ? other.margins(rows32, rowCount: rowCount) : other.margins(features, rowCount: rowCount)
            #expect(again == together, "\(kernels)")
        }
        // The slow way must agree as well.
        let reference = ReferenceWalker(model)
        for row in 0..<rowCount {
            let expected = reference.margins(Array(features[row * featureCount..<(row + 1) * featureCount]))
            if expected != Array(together[row * width..<(row + 1) * width]) {
                Issue.record("row \(row): reference differs")
            }
        }
    }
}
