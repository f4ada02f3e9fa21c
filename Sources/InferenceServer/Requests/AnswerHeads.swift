import HTTPKernel
import InferenceWire
import NIOHTTP1

/// The heads of a generation's answers, built once. Each loop has its own, so that no loop touches another's reference count.
struct AnswerHeads {
    private let csv: ResponseHead
    private let json: ResponseHead

    init(_ model: LoadedModel) {
        func head(_ format: RowFormat) -> ResponseHead {
            ResponseHead(.ok, [("content-type", format.contentType)] + model.fields)
        }
        self.csv = head(.csv)
        self.json = head(.json)
    }

    subscript(format: RowFormat) -> ResponseHead {
        switch format {
        case .csv: csv
        case .json: json
        }
    }
}
