import ModelImage
import ModelTypes

// Factorization machines. Rows are sparse as a rule: a feature that is zero or missing costs one comparison.

extension Scorer {
    /// Adds weights and pairs of a row.
    func addFactorized<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ sum: UnsafeMutablePointer<Double>, _ scratch: ScoringScratch
    ) {
        guard featureCount > 0 else { return }
        let weights = unsafe image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
        // Not there when k is 0; nothing is then read from it.
        let factors = unsafe UnsafeRawPointer(image.factors.baseAddress) ?? UnsafeRawPointer(weights)
        let margin = unsafe factorizedMargin(
            rows.baseAddress.unsafelyUnwrapped + row * featureCount, featureCount, bias: Float(sum.pointee), weights,
            factors, image.factorStride, scratch.row)
        unsafe sum.pointee = Double(margin)
    }
}

/// bias + Σ w_i x_i + Σ_{i<j} ⟨v_i, v_j⟩ x_i x_j, in float32 and in O(n·k).
///
/// The pairs are added as Σ_j ⟨x_j v_j, Σ_{i<j} x_i v_i⟩: for each factor the terms so far are kept, and each new term is
/// multiplied with their sum. That is as much work as half the difference of the square of the sum and the sum of squares
/// (Rendle, ICDM 2010, lemma 3.1), but subtracts nothing, so that no digits are lost where pairs are small beside squares.
///
/// - Parameters:
///   - row: [featureCount]; zeros and NaN are passed over.
///   - factors: [featureCount, stride] float32; `stride` is a multiple of eight, what is behind the factors is zero.
///   - room: 8·stride bytes, aligned to 32; overwritten.
@inline(__always)
private func factorizedMargin<Value: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ featureCount: Int, bias: Float, _ weights: UnsafePointer<Float>,
    _ factors: UnsafeRawPointer, _ stride: Int, _ room: UnsafeMutableRawPointer
) -> Float {
    let rowBytes = stride &* 4
    let sums = unsafe room
    let pairs = unsafe room + rowBytes
    var offset = 0
    while offset < rowBytes {
        unsafe sums.storeBytes(of: SIMD8<Float>(), toByteOffset: offset, as: SIMD8<Float>.self)
        unsafe pairs.storeBytes(of: SIMD8<Float>(), toByteOffset: offset, as: SIMD8<Float>.self)
        offset &+= 32
    }
    var linear = bias
    for feature in 0..<featureCount {
        let value = unsafe Float(row[feature])
        if value == 0 || value.isNaN { continue }
        unsafe linear += value * weights[feature]
        let source = unsafe factors + feature &* rowBytes
        offset = 0
        while offset < rowBytes {
            let term = unsafe value * source.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            let sum = unsafe sums.load(fromByteOffset: offset, as: SIMD8<Float>.self)
            let pair = unsafe pairs.load(fromByteOffset: offset, as: SIMD8<Float>.self)
            unsafe pairs.storeBytes(of: pair + term * sum, toByteOffset: offset, as: SIMD8<Float>.self)
            unsafe sums.storeBytes(of: sum + term, toByteOffset: offset, as: SIMD8<Float>.self)
            offset &+= 32
        }
    }
    var total = SIMD8<Float>()
    offset = 0
    while offset < rowBytes {
        unsafe total += pairs.load(fromByteOffset: offset, as: SIMD8<Float>.self)
        offset &+= 32
    }
    return linear + total.sum()
}
