import ArchiveKit
import ModelCache
import ModelFormat
import ModelImage
import S3Client
import Scoring
import SealedMemory

/// Why a version of a model cannot be served. Nothing that is live has changed.
enum PreparationError: Error, Sendable, CustomStringConvertible {
    /// The bytes could not be had from the bucket.
    case bucket(S3ClientError)
    case emptyArtifact
    case archive(ArchiveError)
    /// The archive does not hold exactly one model.
    case bundle(String)
    case format(ModelFormatError)
    /// The bundle's `encoders.json` is broken, or not for its model.
    case encoders(ModelFormatError)
    case compiler(ImageCompilerError)
    case cache(ModelCacheError)
    case memory(SealedMemoryError)
    case image(ModelImageError)
    /// A graph that its library does not run, or may not.
    case predictor(PredictorError)
    case golden(GoldenError)
    /// Too few descriptors are left for another model to keep one; said in words.
    case descriptors(String)
    /// Preparing these bytes ended the process before: they are not tried again while the mark is there.
    case endedTheProcess(mark: String)
    /// A newer artifact came meanwhile: this one is of no interest any more.
    case superseded

    /// Whether the same artifact may succeed later, without anyone pushing it again.
    var isPassing: Bool {
        switch self {
        case .bucket(let error):
            switch error {
            case .noSuchKey, .tooLarge: false
            default: true
            }
        case .cache, .memory, .descriptors: true
        default: false
        }
    }

    var description: String {
        switch self {
        case .bucket(let error): "\(error)"
        case .emptyArtifact: "the artifact has no bytes"
        case .archive(let error): "\(error)"
        case .bundle(let what): what
        case .format(let error):
            error.runsElsewhere
                ? "the model is not translated: \(error); with --onnx-runtime, ONNX Runtime runs it"
                : "the model cannot be read: \(error)"
        case .encoders(let error): "encoders.json: \(error)"
        case .compiler(let error): "the model cannot be compiled: \(error)"
        case .cache(let error): "the cache: \(error)"
        case .memory(let error): "memory: \(error)"
        case .image(let error): "the compiled image is not valid: \(error)"
        case .predictor(.noRuntime): "\(PredictorError.noRuntime): --onnx-runtime allows it"
        case .predictor(let error): "\(error)"
        case .golden(let error): "\(error)"
        case .descriptors(let what): what
        case .endedTheProcess(let mark):
            "preparing it ended the process: push another, or remove \(mark) and start the sidecar again"
        case .superseded: "a newer artifact came"
        }
    }
}
