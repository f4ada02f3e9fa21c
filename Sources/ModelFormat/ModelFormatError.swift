package import JSONReader
package import ModelTypes

/// Why an artifact is not taken, and where in its bytes. Nothing in it was run; an operator mends the file or refuses it.
package struct ModelFormatError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// No format that is known here begins like this.
        case unknownFormat
        /// The bytes end inside a value.
        case truncated
        /// Broken JSON.
        case json(JSONError.Reason)
        /// The bytes do not follow their format: what was expected.
        case malformed(String)
        /// The parts do not fit together: which.
        case inconsistent(String)
        /// Sound, but of a kind that is not served: which.
        case unsupported(String)
        /// More than ``ModelLimits`` allows: of what.
        case tooLarge(String)
        /// The pickle names a callable other than those of an XGBoost booster.
        case refusedCallable(String)
        /// The trees are no trees.
        case forest(ForestError)
        /// The weights are no linear model.
        case linear(LinearPredictor.Failure)
        /// The numbers are no factorization machine.
        case factorizationMachine(FactorizationMachine.Failure)
        /// The encoders do not fit the model or themselves.
        case encoders(FeatureEncoders.Failure)
        /// The layers are no network.
        case network(NetworkError)
    }

    package let reason: Reason
    /// The position in the artifact, counted from 0: of the byte at fault, or of the end of the part at fault.
    package let offset: Int
    /// Whether it is an ONNX graph that only was not translated, and that ONNX Runtime may run where it is allowed.
    package let runsElsewhere: Bool

    package init(_ reason: Reason, at offset: Int, runsElsewhere: Bool = false) {
        self.reason = reason
        self.offset = offset
        self.runsElsewhere = runsElsewhere
    }

    package var description: String {
        let text =
            switch reason {
            case .unknownFormat: "not a model format that is known here"
            case .truncated: "the bytes end inside a value"
            case .json(let reason): "broken JSON: \(reason.rawValue)"
            case .malformed(let what): "malformed: \(what)"
            case .inconsistent(let what): "inconsistent: \(what)"
            case .unsupported(let what): "not supported: \(what)"
            case .tooLarge(let what): "beyond the limits: \(what)"
            case .refusedCallable(let name): "the pickle asks for \(name), which a booster does not need"
            case .forest(let error): "not a forest: \(error)"
            case .linear(let error): "not a linear model: \(error)"
            case .factorizationMachine(let error): "not a factorization machine: \(error)"
            case .encoders(let error): "no encoders of this model: \(error)"
            case .network(let error): "not a network: \(error)"
            }
        return "\(text), at byte \(offset)"
    }
}

/// What a model may have at most. Memory is bounded by these and by a small multiple of the artifact's size.
package struct ModelLimits: Hashable, Sendable {
    package let maxTreeCount: Int
    package let maxFeatureCount: Int
    package let maxMarginCount: Int
    package let maxStringBytes: Int
    /// Numbers that are computed from tables for the categories of a model.
    package let maxStatisticCount: Int

    package init(
        maxTreeCount: Int = 200_000, maxFeatureCount: Int = 1 << 20, maxMarginCount: Int = 4096,
        maxStringBytes: Int = 1 << 20, maxStatisticCount: Int = 1 << 27
    ) {
        self.maxTreeCount = maxTreeCount
        self.maxFeatureCount = maxFeatureCount
        self.maxMarginCount = maxMarginCount
        self.maxStringBytes = maxStringBytes
        self.maxStatisticCount = maxStatisticCount
    }
}
