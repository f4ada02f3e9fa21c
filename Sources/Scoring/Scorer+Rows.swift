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
        let isInclusive = image.comparison == .less
        switch image.inputType {
        case .float32:
            let typed = unsafe typedRow(source, as: Float.self, scratch)
            if kernels >= .avx2, image.searchCount > 0 {
                unsafe lodestore_ranks_float32(
                    typed, searches, UInt32(image.searchCount), thresholds(), pivots(), isInclusive, slots)
            } else if image.numericalSlotCount > 0 {
                unsafe prepareRanks(typed, image, thresholds(), slots)
            }
            unsafe prepareCategories(typed, image, slots)
        case .float64:
            let typed = unsafe typedRow(source, as: Double.self, scratch)
            if kernels >= .avx2, image.searchCount > 0 {
                unsafe lodestore_ranks_float64(
                    typed, searches, UInt32(image.searchCount), thresholds(), pivots(), isInclusive, slots)
            } else if image.numericalSlotCount > 0 {
                unsafe prepareRanks(typed, image, thresholds(), slots)
            }
            unsafe prepareCategories(typed, image, slots)
        }
    }

    /// The same for a scan: `slots` is [slotCount, rowsPerScan], of which the row fills a column.
    func prepareScanRow<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ slots: UnsafeMutablePointer<UInt8>, _ scratch: ScoringScratch
    ) {
        unsafe prepareBytes(
            rows, row, slots, scratch, lodestore_byte_ranks_float32, lodestore_byte_ranks_float64)
    }

    /// The same for comparisons: `codes` is the row's.
    func prepareCodes<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ codes: UnsafeMutablePointer<UInt8>, _ scratch: ScoringScratch
    ) { unsafe prepareBytes(rows, row, codes, scratch, lodestore_codes_float32, lodestore_codes_float64) }

    /// Finds a row's ranks as bytes.
    private typealias ByteSearch<Typed> = (
        UnsafePointer<Typed>, UnsafePointer<lodestore_search>, UInt32, UnsafePointer<Typed>, UnsafePointer<Typed>, Bool,
        UnsafeMutablePointer<UInt8>
    ) -> Void

    @inline(__always)
    private func prepareBytes<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ row: Int, _ target: UnsafeMutablePointer<UInt8>,
        _ scratch: ScoringScratch, _ search32: ByteSearch<Float>, _ search64: ByteSearch<Double>
    ) {
        guard image.searchCount > 0 else { return }
        let source = unsafe rows.baseAddress.unsafelyUnwrapped + row * featureCount
        let isInclusive = image.comparison == .less
        switch image.inputType {
        case .float32:
            unsafe search32(
                typedRow(source, as: Float.self, scratch), searches, UInt32(image.searchCount), thresholds(), pivots(),
                isInclusive, target)
        case .float64:
            unsafe search64(
                typedRow(source, as: Double.self, scratch), searches, UInt32(image.searchCount), thresholds(), pivots(),
                isInclusive, target)
        }
    }

    // Invariant: asked for only where there are numerical slots, and so thresholds and searches; a feature without pivots has no
    // level of them, so that their address is never read from where there are none.
    private var searches: UnsafePointer<lodestore_search> {
        unsafe UnsafeRawPointer(image.searches.baseAddress.unsafelyUnwrapped)
            .assumingMemoryBound(to: lodestore_search.self)
    }

    private func thresholds<Typed>() -> UnsafePointer<Typed> {
        unsafe image.thresholds.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Typed.self)
    }

    private func pivots<Typed>() -> UnsafePointer<Typed> {
        unsafe (image.pivots.baseAddress ?? image.thresholds.baseAddress.unsafelyUnwrapped)
            .assumingMemoryBound(to: Typed.self)
    }

    /// The row as it is where it has the type and nothing is computed from it, else in the scratch, with what is computed.
    @inline(__always)
    private func typedRow<Value: BinaryFloatingPoint, Typed: BinaryFloatingPoint>(
        _ source: UnsafePointer<Value>, as _: Typed.Type, _ scratch: ScoringScratch
    ) -> UnsafePointer<Typed> {
        let isPlain = image.computed.isEmpty
        if Value.self == Typed.self, isPlain {
            return unsafe UnsafeRawPointer(source).assumingMemoryBound(to: Typed.self)
        }
        let typed = unsafe scratch.row.assumingMemoryBound(to: Typed.self)
        for index in 0..<featureCount { unsafe typed[index] = Typed(source[index]) }
        if !isPlain {
            // Only images that compare in float64 compute anything.
            let row = unsafe scratch.row.assumingMemoryBound(to: Double.self)
            unsafe compute(row, image.computed, row + featureCount)
        }
        return unsafe UnsafePointer(typed)
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
