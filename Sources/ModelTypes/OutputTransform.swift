/// What turns the margins of a row into its predictions, computed in the model's accumulator type.
package enum OutputTransform: UInt8, Hashable, Sendable, CaseIterable {
    /// The margins themselves.
    case identity = 0
    /// 1 / (1 + e^(-s·x)), where s is the slope of the description.
    case logistic = 1
    /// e^x.
    case exponential = 2
    /// 1 where the margin is above zero, else 0.
    case step = 3
    /// e^(x_k - max) / Σ e^(x_j - max) over the row's margins.
    case softmax = 4
    /// The index of the row's greatest margin, the first of equals.
    case greatest = 5
    /// log(1 + e^x).
    case softplus = 6
    /// x·|x|.
    case signedSquare = 7
    /// The row's margins in ascending order (XGBoost's quantiles, which do not cross).
    case ascending = 8
    /// Of one margin: 1 - x and x (ONNX's classifiers of two classes, where leaves hold probabilities).
    case complementPair = 16
    /// Of one margin: the logistic of -x and of x (ONNX's classifiers of two classes).
    case logisticPair = 17
    /// The logistic of x, from e^-abs(x) alone (ONNX's operators for trees and linear models).
    case steadyLogistic = 18

    /// Predictions per row, given its margins.
    package func outputCount(marginCount: Int) -> Int {
        switch self {
        case .greatest: 1
        case .complementPair, .logisticPair: 2 * marginCount
        default: marginCount
        }
    }
}
