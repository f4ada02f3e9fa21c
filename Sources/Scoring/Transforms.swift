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
    case .ascending:
        // Few, and nearly in order as they come.
        for index in 0..<margins.count {
            var place = index
            while place > 0, unsafe outputs[place - 1] > margins[index] {
                unsafe outputs[place] = outputs[place - 1]
                place -= 1
            }
            unsafe outputs[place] = margins[index]
        }
    case .complementPair:
        let second = unsafe margins[0]
        unsafe (outputs[0], outputs[1]) = (type == .float32 ? Double(1 - Float(second)) : 1 - second, second)
    case .logisticPair:
        unsafe (outputs[0], outputs[1]) = (steadyLogistic(-margins[0], type), steadyLogistic(margins[0], type))
    case .steadyLogistic:
        for index in 0..<margins.count { unsafe outputs[index] = steadyLogistic(margins[index], type) }
    }
}

/// XGBoost's `Sigmoid(float)`, term by term.
private func logistic(_ margin: Float) -> Float {
    1 / (expf(min(-margin, 88.7)) + 1 + 1e-16)
}

/// `ComputeLogistic` of ONNX Runtime, `core/providers/cpu/ml/ml_common.h`, term by term.
private func steadyLogistic(_ margin: Double, _ type: NumberType) -> Double {
    guard type == .float32 else {
        let value = 1 / (1 + exp(-margin.magnitude))
        return margin < 0 ? 1 - value : value
    }
    let value = 1 / (1 + expf(-Float(margin).magnitude))
    return Double(margin < 0 ? 1 - value : value)
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
