import InferenceWire
import ModelImage
import ModelTypes
import Names
import Scoring
import SealedMemory
import Synchronization

/// One generation of a model: its mapped image and all that a request needs to know of it.
///
/// Made, and let go of, by control threads. The loops share one ``ModelPointer`` and count their own use, so that a request
/// touches no reference count. The mapping goes on the reaper's thread after the last loop has let go.
final class LoadedModel: Sendable {
    let name: Name
    let version: String
    let generation: UInt64
    let predictor: Predictor
    let inputType: NumberType
    let featureCount: Int
    let outputCount: Int
    /// What scoring costs at most.
    let work: ScoringWork
    /// `x-lodestore-model` and `x-lodestore-model-version`, which every answer of this generation carries.
    let fields: [(String, String)]
    /// What rows and tensors are held to: one for each loop, each an object of its own.
    let signatures: [ModelSignature]

    /// Loops that may still look at the image; the last one to let go ends the generation.
    private let holdingLoops: Atomic<Int>
    // Keeps the image's bytes in place for `predictor`, which points into them.
    private let memory: MappedMemory

    /// Maps nothing and validates nothing: the caller did.
    ///
    /// - Parameter predictor: of the view.
    init(
        name: Name, version: String, generation: UInt64, memory: consuming MappedMemory, view: ModelImageView,
        predictor: Predictor, loopCount: Int
    ) {
        self.name = name
        self.version = version
        self.generation = generation
        self.memory = memory
        self.predictor = predictor
        self.inputType = view.inputType
        self.featureCount = view.featureCount
        self.outputCount = view.outputCount
        self.work = view.work
        self.fields = [("x-lodestore-model", name.text), ("x-lodestore-model-version", version)]
        let featureNames = view.featureNames()
        let featureCount = view.featureCount
        self.signatures = (0..<loopCount).map { _ in
            ModelSignature(
                name: name.text, version: version, sourceFormat: view.sourceFormat(),
                schema: RowSchema(featureCount: featureCount, featureNames: featureNames, texts: ImageTexts(view)),
                outputCount: view.outputCount, classLabels: view.classLabels(),
                isInputDouble: view.inputType == .float64,
                isOutputDouble: view.outputType == .float64)
        }
        self.holdingLoops = Atomic(loopCount)
    }

    /// Whether a library runs it.
    var isGraph: Bool { predictor.isGraph }

    /// One loop will not look at the image again.
    ///
    /// - Returns: whether it was the last: the generation has ended and may be unmapped.
    func letGo() -> Bool {
        holdingLoops.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}
