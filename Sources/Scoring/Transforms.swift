// From margins to predictions, in the type that the reference library computes in.

import Glibc
import ModelTypes

/// Transforms one row of margins in place of `outputs`.
///
/// Sources: `src/common/math.h` and `src/objective/` of XGBoost 3.2.0 for float32; `src/objective/` and
/// `include/LightGBM/utils/common.h` of LightGBM 4.7.0 for float64.
///
/// - Parameters:
///   - margins: [marginCount].
///   - outputs: Receives the predictions of the row: as many as margins, or one for `greatest`.
func transform(
    _ margins: UnsafeBufferPointer<Double>, _ transform: OutputTransform, slope: Double, _ type: NumberType,
    into outputs: UnsafeMutablePointer<Double>
) {
    switch transform {
    case .identity:
        for index in 0..<margins.count { unsafe outputs[index] = margins[index] }
    case .logistic:
        for index in 0..<margins.count {
            unsafe outputs[index] =
                type == .float32 ? Double(logistic(Float(margins[index]))) : 1 / (1 + exp(-slope * margins[index]))
        }
    case .exponential:
        for index in 0..<margins.count {
            unsafe outputs[index] = type == .float32 ? Double(expf(Float(margins[index]))) : exp(margins[index])
        }
    case .step:
        for index in 0..<margins.count { unsafe outputs[index] = margins[index] > 0 ? 1 : 0 }
    case .softmax: unsafe softmax(margins, type, into: outputs)
    case .greatest:
        var best = 0
        for index in 0..<margins.count where unsafe margins[index] > margins[best] { best = index }
        unsafe outputs[0] = Double(best)
    case .softplus:
        for index in 0..<margins.count { unsafe outputs[index] = log1p(exp(margins[index])) }
    case .signedSquare:
        for index in 0..<margins.count { unsafe outputs[index] = margins[index].magnitude * margins[index] }
    }
}

/// XGBoost's `Sigmoid(float)`, term by term.
private func logistic(_ margin: Float) -> Float {
    1 / (expf(min(-margin, 88.7)) + 1 + 1e-16)
}

private func softmax(
    _ margins: UnsafeBufferPointer<Double>, _ type: NumberType, into outputs: UnsafeMutablePointer<Double>
) {
    var greatest = -Double.infinity
    for index in 0..<margins.count { greatest = unsafe max(greatest, margins[index]) }
    var sum = 0.0
    for index in 0..<margins.count {
        let term =
            type == .float32
            ? unsafe Double(expf(Float(margins[index]) - Float(greatest))) : unsafe exp(margins[index] - greatest)
        unsafe outputs[index] = term
        sum += term
    }
    for index in 0..<margins.count {
        unsafe outputs[index] =
            type == .float32 ? Double(Float(outputs[index]) / Float(sum)) : outputs[index] / sum
    }
}
