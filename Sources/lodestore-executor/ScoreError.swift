import InferenceWire
import ModelImage

/// Why a file of rows is not scored, or not to its end.
enum ScoreError: Error, CustomStringConvertible {
    case notAnImage(path: String, cause: ModelImageError)
    case rows(path: String, cause: RowStreamError)

    var description: String {
        switch self {
        case .notAnImage(let path, let cause): "\(path) \(Self.text(cause))"
        case .rows(let path, let cause): "\(path): \(cause)"
        }
    }

    private static func text(_ cause: ModelImageError) -> String {
        switch cause {
        case .magic, .misaligned: "is no image: lodestore-sidecar compile makes one of a model"
        case .length(let stated, let found) where stated == 0 || found < 64:
            "is no image: it has \(found) bytes; lodestore-sidecar compile makes one of a model"
        case .length(let stated, let found):
            "is an image of \(stated) bytes that has \(found): it was cut short or added to"
        case .version(let version):
            "is an image of version \(version), which this program does not read: compile the model anew"
        default: "is a damaged image (\(cause)): compile the model anew"
        }
    }
}
