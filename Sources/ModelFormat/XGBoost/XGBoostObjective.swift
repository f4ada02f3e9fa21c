import Glibc
import ModelTypes

/// What XGBoost's objectives do to margins, and how their `base_score` becomes one.
///
/// Source: `PredTransform` and `ProbToMargin` in `src/objective/` of XGBoost 3.2.0.
struct XGBoostObjective {
    enum Link { case identity, logit, log }

    let name: String
    let transform: OutputTransform
    let link: Link

    /// Nil for an objective that is not known.
    init?(name: String) {
        self.name = name
        switch name {
        case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
            "reg:quantileerror", "reg:expectileerror", "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map":
            (transform, link) = (.identity, .identity)
        case "reg:logistic", "binary:logistic": (transform, link) = (.logistic, .logit)
        case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
            (transform, link) = (.exponential, .log)
        case "binary:hinge": (transform, link) = (.step, .identity)
        case "multi:softprob": (transform, link) = (.softmax, .identity)
        case "multi:softmax": (transform, link) = (.greatest, .identity)
        default: return nil
        }
    }

    /// A model that the library's releases answer differently, by more than the order in which they add.
    static func refusedAsAmbiguous(_ name: String, at offset: Int) -> ModelFormatError {
        ModelFormatError(
            .unsupported(
                "objective \(name) of this version, whose base score later releases read differently; save it anew with one"
            ),
            at: offset)
    }

    /// The margin that every sum starts from.
    func margin(baseScore: Float) -> Float {
        switch link {
        case .identity: return baseScore
        case .logit:
            // `LogisticRegression::ProbToMargin`, with its bounds.
            let bounded = min(max(baseScore, 1e-6), 1 - 1e-6)
            return -logf(1 / bounded - 1)
        case .log: return logf(baseScore)
        }
    }

    /// Before 1.0 the binary format held the margin itself, which loaders turn into a score first.
    func baseScore(oldMargin: Float) -> Float {
        switch transform {
        case .logistic: 1 / (1 + expf(min(-oldMargin, 88.7)) + 1e-16)
        case .exponential: expf(oldMargin)
        case .step: oldMargin > 0 ? 1 : 0
        default: oldMargin
        }
    }
}
