import ModelTypes
import Names

/// What CatBoost's loss functions make of margins.
///
/// Answered is what the library's own `predict` says with the prediction type that fits the loss: `Probability` for
/// classifiers, `Exponent` for Poisson and Tweedie, else `RawFormulaVal`. Source: `eval_processing.h`, `eval_helpers.cpp` and
/// `core.py` of CatBoost 1.2. A model that states no loss, or one of the caller's own, answers its margins.
struct CatBoostLoss {
    /// The name without parameters: `Quantile:alpha=0.1` is Quantile.
    let name: String
    private let kind: Kind

    private enum Kind { case raw, exponent, sigmoid, softmax }

    /// Nil for a loss that is not known.
    init?(name text: String) {
        name = String(text.bytePrefix(upTo: ":"))
        switch name {
        case "", "PythonUserDefinedPerObject", "PythonUserDefinedMultiTarget", "RMSE", "MAE", "Quantile",
            "MultiQuantile", "LogLinQuantile", "MAPE", "Lq", "Huber", "Expectile", "LogCosh", "MultiRMSE",
            "MultiRMSEWithMissingValues", "SurvivalAft", "Cox", "QueryRMSE", "QuerySoftMax", "QueryCrossEntropy",
            "PairLogit", "PairLogitPairwise", "YetiRank", "YetiRankPairwise", "StochasticFilter", "StochasticRank",
            "LambdaMart":
            kind = .raw
        case "Poisson", "Tweedie": kind = .exponent
        case "Logloss", "CrossEntropy", "Focal", "MultiClassOneVsAll", "MultiLogloss", "MultiCrossEntropy":
            kind = .sigmoid
        case "MultiClass": kind = .softmax
        default: return nil
        }
    }

    func transform(marginCount: Int) -> OutputTransform {
        switch kind {
        case .raw: .identity
        case .exponent: .exponential
        case .sigmoid: .logistic
        // Of a single margin the library takes the sigmoid.
        case .softmax: marginCount > 1 ? .softmax : .logistic
        }
    }
}
