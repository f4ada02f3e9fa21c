import JSONReader
import ModelTypes
import Names

/// What LightGBM's objectives do to margins.
///
/// Source: `ConvertOutput` and `ToString` in `src/objective/` of LightGBM 4.7.0. A model without an objective, or trained
/// with one of the caller's own, answers its margins.
struct LightGBMObjective {
    let name: String
    let transform: OutputTransform
    let slope: Double

    /// Nil for an objective that is not known, or has a setting that is not.
    ///
    /// - Parameter text: As the file has it: `binary sigmoid:1`.
    init?(text: String) {
        let words = text.pieces(at: " ").filter { !$0.isEmpty }
        name = words.first.map(String.init) ?? ""
        var slope = 1.0
        for word in words.dropFirst() {
            if word.hasBytePrefix("sigmoid:") {
                guard let value = NumberText.double(Array(word.utf8.dropFirst(8)).span), value > 0 else { return nil }
                slope = value
            } else if !word.hasSameBytes(as: "sqrt"), !word.hasBytePrefix("num_class:") {
                return nil
            }
        }
        switch name {
        case "", "custom", "none", "lambdarank", "rank_xendcg": transform = .identity
        case "regression", "regression_l1", "huber", "fair", "quantile", "mape":
            transform = words.contains("sqrt") ? .signedSquare : .identity
        case "poisson", "gamma", "tweedie": transform = .exponential
        // The last two in both ways that releases spell them.
        case "binary", "multiclassova", "cross_entropy", "xentropy": transform = .logistic
        case "cross_entropy_lambda", "xentlambda": transform = .softplus
        case "multiclass": transform = .softmax
        default: return nil
        }
        self.slope = transform == .logistic ? slope : 1
    }
}
