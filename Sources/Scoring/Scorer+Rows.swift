import CKernels
import ModelImage
import ModelTypes

// From rows to slots, and linear models, which need no more than the row.

extension Scorer {
    /// Rounds or widens the row to the input type, then finds its ranks.
    func prepareRow<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ scratch: ScoringScratch
    ) {
        let slots = unsafe scratch.slots + row * image.slotCount
        let source = unsafe rows.baseAddress.unsafelyUnwrapped + row * featureCount
        switch image.inputType {
        case .float32:
            let thresholds = unsafe image.thresholds.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
            let typed = unsafe typedRow(source, as: Float.self, scratch)
            if isVectorized {
                unsafe lodestore_prepare_float32(
                    typed, slotEntries, UInt32(image.numericalSlotCount), featureEntries, thresholds,
                    image.comparison == .less, slots)
            } else {
                unsafe prepareRanks(typed, image, thresholds, slots)
            }
            unsafe prepareCategories(typed, image, slots)
        case .float64:
            let thresholds = unsafe image.thresholds.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
            let typed = unsafe typedRow(source, as: Double.self, scratch)
            if isVectorized {
                unsafe lodestore_prepare_float64(
                    typed, slotEntries, UInt32(image.numericalSlotCount), featureEntries, thresholds,
                    image.comparison == .less, slots)
            } else {
                unsafe prepareRanks(typed, image, thresholds, slots)
            }
            unsafe prepareCategories(typed, image, slots)
        }
    }

    /// The row as it is where it has the type, else converted into the scratch.
    @inline(__always)
    private func typedRow<Value: BinaryFloatingPoint, Typed: BinaryFloatingPoint>(
        _ source: UnsafePointer<Value>, as _: Typed.Type, _ scratch: ScoringScratch
    ) -> UnsafePointer<Typed> {
        if Value.self == Typed.self { return unsafe UnsafeRawPointer(source).assumingMemoryBound(to: Typed.self) }
        let typed = unsafe scratch.row.assumingMemoryBound(to: Typed.self)
        for index in 0..<featureCount { unsafe typed[index] = Typed(source[index]) }
        return unsafe UnsafePointer(typed)
    }

    /// Pairs of feature and rule. Invariant: read by kernels only when there are slots.
    private var slotEntries: UnsafePointer<UInt32> {
        unsafe UnsafeRawPointer(image.slots.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: UInt32.self)
    }

    /// Pairs of first threshold and number of thresholds.
    private var featureEntries: UnsafePointer<UInt32> {
        unsafe UnsafeRawPointer(image.features.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: UInt32.self)
    }

    // MARK: Linear models

    /// Adds the products of a row, feature by feature.
    func addLinear<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ sums: UnsafeMutablePointer<Double>
    ) {
        guard featureCount > 0 else { return }
        let source = unsafe rows.baseAddress.unsafelyUnwrapped + row * featureCount
        let weights = unsafe image.words.baseAddress.unsafelyUnwrapped
        switch image.accumulator {
        case .float32:
            let weights = unsafe weights.assumingMemoryBound(to: Float.self)
            unsafe addProducts(source, featureCount, weights, marginCount, sums)
        case .float64:
            let weights = unsafe weights.assumingMemoryBound(to: Double.self)
            unsafe addProducts(source, featureCount, weights, marginCount, sums)
        }
    }
}

/// Adds feature times weight to each margin, in the weights' type and in the order of the features; NaN adds nothing.
@inline(__always)
private func addProducts<Value: BinaryFloatingPoint, Weight: BinaryFloatingPoint>(
    _ row: UnsafePointer<Value>, _ featureCount: Int, _ weights: UnsafePointer<Weight>, _ marginCount: Int,
    _ sums: UnsafeMutablePointer<Double>
) {
    for margin in 0..<marginCount {
        var sum = unsafe Weight(sums[margin])
        for feature in 0..<featureCount {
            let value = unsafe Weight(row[feature])
            // A missing feature adds a zero with the sign that changes no sum.
            let product = unsafe value * weights[feature &* marginCount &+ margin]
            sum += value.isNaN ? -0.0 : product
        }
        unsafe sums[margin] = Double(sum)
    }
}
