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

    func addLinear<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ sums: UnsafeMutablePointer<Double>
    ) {
        guard featureCount > 0 else { return }
        let weights = unsafe image.words.baseAddress.unsafelyUnwrapped
        for feature in 0..<featureCount {
            let value = unsafe rows[row * featureCount + feature]
            if value.isNaN { continue }
            for margin in 0..<marginCount {
                let index = feature * marginCount + margin
                switch image.accumulator {
                case .float32:
                    let weight = unsafe weights.load(fromByteOffset: index * 4, as: Float.self)
                    unsafe sums[margin] = Double(Float(sums[margin]) + Float(value) * weight)
                case .float64:
                    unsafe sums[margin] += Double(value) * weights.load(fromByteOffset: index * 8, as: Double.self)
                }
            }
        }
    }
}
