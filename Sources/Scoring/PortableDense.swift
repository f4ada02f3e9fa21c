// The dense kernels in plain Swift: what `CDense` is held to, and what other processors run. Constants lie as the image has them.

import ModelTypes

/// activation(bias + row · weights) for each row, weights in panels of sixteen outputs; see `lodestore_dense_panels`.
func densePanels(
    _ rows: UnsafePointer<Float>, _ rowStride: Int, _ rowCount: Int, _ parameters: UnsafePointer<Float>, inputs: Int,
    outputs: Int, _ activation: Network.Activation, _ alpha: Float, _ results: UnsafeMutablePointer<Float>,
    _ resultStride: Int
) {
    let width = Network.rounded(outputs)
    let weights = unsafe parameters + width
    for row in 0..<rowCount {
        let source = unsafe rows + row * rowStride
        let target = unsafe results + row * resultStride
        for panel in 0..<width / 16 {
            var sum = unsafe UnsafeRawPointer(parameters + panel * 16).loadUnaligned(as: SIMD16<Float>.self)
            let block = unsafe weights + panel * inputs * 16
            for input in 0..<inputs {
                sum +=
                    unsafe source[input]
                    * UnsafeRawPointer(block + input * 16).loadUnaligned(as: SIMD16<Float>.self)
            }
            unsafe UnsafeMutableRawPointer(target + panel * 16).storeBytes(of: sum, as: SIMD16<Float>.self)
        }
        unsafe activate(target, outputs, activation, alpha)
    }
}

/// The same for few outputs, whose weights lie output by output; see `lodestore_dense_dots`.
func denseDots(
    _ rows: UnsafePointer<Float>, _ rowStride: Int, _ rowCount: Int, _ parameters: UnsafePointer<Float>, inputs: Int,
    outputs: Int, _ activation: Network.Activation, _ alpha: Float, _ results: UnsafeMutablePointer<Float>,
    _ resultStride: Int
) {
    let weights = unsafe parameters + Network.rounded(outputs)
    let width = Network.rounded(inputs)
    for row in 0..<rowCount {
        let source = unsafe rows + row * rowStride
        let target = unsafe results + row * resultStride
        for output in 0..<outputs {
            let line = unsafe weights + output * width
            // Eight sums side by side, as a processor without vectors of its own choosing can still overlap.
            var sums = SIMD8<Float>(repeating: 0)
            var input = 0
            while input + 8 <= inputs {
                let values = unsafe UnsafeRawPointer(source + input).loadUnaligned(as: SIMD8<Float>.self)
                sums += unsafe values * UnsafeRawPointer(line + input).loadUnaligned(as: SIMD8<Float>.self)
                input += 8
            }
            var sum = sums.sum()
            while input < inputs {
                unsafe sum += source[input] * line[input]
                input += 1
            }
            unsafe target[output] = parameters[output] + sum
        }
        unsafe activate(target, outputs, activation, alpha)
    }
}

/// Activates values in place; see `lodestore_dense_activate`.
func activate(
    _ values: UnsafeMutablePointer<Float>, _ count: Int, _ activation: Network.Activation, _ alpha: Float
) {
    guard activation != .none else { return }
    for index in 0..<count { unsafe values[index] = activated(values[index], activation, alpha) }
}

func activated(_ value: Float, _ activation: Network.Activation, _ alpha: Float) -> Float {
    switch activation {
    case .none: value
    case .relu: value < 0 ? 0 : value
    case .sigmoid: 1 / (1 + exponential(-value))
    case .tanh: hyperbolicTangent(value)
    case .leakyRelu: value < 0 ? alpha * value : value
    case .elu: value < 0 ? alpha * exponentialLessOne(max(value, -20)) : value
    case .exponential: exponential(value)
    }
}

// MARK: Functions, step by step as the vector kernels compute them

/// e^x within 2 ulp; 0 below about -104 and infinite above 88.73. NaN stays.
private func exponential(_ x: Float) -> Float {
    guard !x.isNaN else { return x }
    let (n, r) = reduced(min(max(x, -104), 89))
    let half = (n * 0.5).rounded(.toNearestOrEven)
    return (series(r) + 1) * powerOfTwo(half) * powerOfTwo(n - half)
}

/// e^x - 1 for x from -20 to 20; NaN stays.
private func exponentialLessOne(_ x: Float) -> Float {
    guard !x.isNaN else { return x }
    let (n, r) = reduced(x)
    let scale = powerOfTwo(n)
    return scale * series(r) + (scale - 1)
}

private func hyperbolicTangent(_ x: Float) -> Float {
    guard !x.isNaN else { return x }
    let e = exponentialLessOne(min(2 * x.magnitude, 20))
    let magnitude = e / (e + 2)
    return x.sign == .minus ? -magnitude : magnitude
}

/// x = n·ln 2 + r; the logarithm is cut in two so that n times its first part is exact.
private func reduced(_ x: Float) -> (n: Float, r: Float) {
    let n = (x * 0x1.715476p+0).rounded(.toNearestOrEven)
    return (n, (x - n * 0x1.62e4p-1) - n * 0x1.7f7d1cp-20)
}

/// e^r - 1 for magnitudes of r up to ln(2) / 2: the Taylor series to the seventh power, whose rest is below 6e-9 of the sum.
private func series(_ r: Float) -> Float {
    var p: Float = 1.0 / 5040
    p = p * r + 1.0 / 720
    p = p * r + 1.0 / 120
    p = p * r + 1.0 / 24
    p = p * r + 1.0 / 6
    p = p * r + 0.5
    p = p * r + 1
    return p * r
}

/// 2^n for whole n from -126 to 127.
private func powerOfTwo(_ n: Float) -> Float { Float(bitPattern: UInt32(bitPattern: (Int32(n) + 127) << 23)) }
