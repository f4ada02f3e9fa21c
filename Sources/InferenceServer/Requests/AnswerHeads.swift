import HTTPKernel
import InferenceWire
import NIOHTTP1

/// The heads of a generation's answers, built once. Each loop has its own, so that no loop touches another's reference count.
struct AnswerHeads {
    private let csv: ResponseHead
    private let json: ResponseHead
    private let jsonLines: ResponseHead

    /// - Parameter fields: beside those that every answer of the model has.
    init(_ model: LoadedModel, fields: [(String, String)] = []) {
        func head(_ format: RowFormat) -> ResponseHead {
            ResponseHead(.ok, [("content-type", format.contentType)] + model.fields + fields)
        }
        self.csv = head(.csv)
        self.json = head(.json)
        self.jsonLines = head(.jsonLines)
    }

    subscript(format: RowFormat) -> ResponseHead {
        switch format {
        case .csv, .csvWithHeader: csv
        case .json: json
        case .jsonLines: jsonLines
        }
    }
}
