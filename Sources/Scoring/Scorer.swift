import CKernels
package import ModelImage
import ModelTypes

/// Scores rows by an image. A plain value; the image's bytes must outlive it.
///
/// Rows are row-major, [rowCount, featureCount]; NaN means missing. Results are Double for every model: where the image's
/// output type is float32, each is a Float widened, exactly. Nothing throws and, once the scratch has room, nothing
/// allocates; a row is scored by the thread that asks.
package struct Scorer: Sendable {
    /// Rows are prepared and walked in blocks, tree by tree, so that a tree's words stay close while a block passes.
    static let rowsPerBlock = 32
    /// Bytes of words and values that a block of trees has at most: half of a common second-level cache.
    private static let blockBytes = 256 << 10

    let image: ModelImageView
    package let featureCount: Int
    /// Margins per row.
    package let marginCount: Int
    /// Predictions per row.
    package let outputCount: Int

    /// Whether the kernels of `CKernels` are used.
    private let isVectorized: Bool

    /// - Parameter isVectorized: False keeps to the portable kernels, whatever the processor has.
    package init(_ image: ModelImageView, isVectorized: Bool = true) {
        self.image = image
        self.isVectorized = isVectorized && lodestore_kernels_can_run()
        featureCount = image.featureCount
        marginCount = image.marginCount
        outputCount = image.outputCount
    }

    /// Predictions, [rowCount, outputCount].
    ///
    /// - Precondition: `rows` and `outputs` hold as much as `rowCount` asks for.
    package func predict(
        _ rows: Span<Float>, rowCount: Int, into outputs: inout MutableSpan<Double>, scratch: ScoringScratch
    ) { score(rows, rowCount, &outputs, scratch, isTransformed: true) }

    /// Predictions, [rowCount, outputCount].
    package func predict(
        _ rows: Span<Double>, rowCount: Int, into outputs: inout MutableSpan<Double>, scratch: ScoringScratch
    ) { score(rows, rowCount, &outputs, scratch, isTransformed: true) }

    /// Margins before the output transform, [rowCount, marginCount].
    package func margins(
        _ rows: Span<Float>, rowCount: Int, into margins: inout MutableSpan<Double>, scratch: ScoringScratch
    ) { score(rows, rowCount, &margins, scratch, isTransformed: false) }

    /// Margins before the output transform, [rowCount, marginCount].
    package func margins(
        _ rows: Span<Double>, rowCount: Int, into margins: inout MutableSpan<Double>, scratch: ScoringScratch
    ) { score(rows, rowCount, &margins, scratch, isTransformed: false) }

    // MARK: Blocks of rows

    private func score<Value: BinaryFloatingPoint>(
        _ rows: Span<Value>, _ rowCount: Int, _ outputs: inout MutableSpan<Double>, _ scratch: ScoringScratch,
        isTransformed: Bool
    ) {
        let width = isTransformed ? outputCount : marginCount
        let (needed, overflows) = rowCount.multipliedReportingOverflow(by: featureCount)
        precondition(rowCount >= 0 && !overflows && rows.count >= needed, "too few features for the rows")
        precondition(outputs.count / width >= rowCount, "too little room for the results")
        guard rowCount > 0 else { return }
        scratch.reserve(for: self)
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe outputs.withUnsafeMutableBufferPointer { outputs in
                var start = 0
                while start < rowCount {
                    let count = min(Self.rowsPerBlock, rowCount - start)
                    let block = unsafe UnsafeBufferPointer(rebasing: rows[start * featureCount..<(start + count) * featureCount])
                    unsafe sums(of: block, count, scratch)
                    unsafe finish(count, outputs.baseAddress.unsafelyUnwrapped + start * width, scratch, isTransformed: isTransformed)
                    start += count
                }
            }
        }
    }

    private func sums<Value: BinaryFloatingPoint>(
        of rows: UnsafeBufferPointer<Value>, _ count: Int, _ scratch: ScoringScratch
    ) {
        for row in 0..<count {
            for margin in 0..<marginCount { unsafe scratch.sums[row * marginCount + margin] = image.starts[margin] }
        }
        if image.isLinear {
            for row in 0..<count { unsafe addLinear(rows, row, scratch.sums + row * marginCount) }
            return
        }
        guard image.treeCount > 0 else { return }
        for row in 0..<count { unsafe prepareRow(rows, row, scratch) }
        // A block of trees at a time over all rows: the sums still grow in the order of the trees.
        var tree = 0
        while tree < image.treeCount {
            let end = count == 1 ? image.treeCount : endOfTreeBlock(from: tree)
            for row in 0..<count { addTrees(tree..<end, row, scratch) }
            tree = end
        }
    }

    private func endOfTreeBlock(from first: Int) -> Int {
        let perWord = image.wordByteCount + image.accumulator.byteCount
        let limit = unsafe Int(image.trees.firstWords[first]) + Self.blockBytes / perWord
        var end = first + 1
        while end < image.treeCount, unsafe Int(image.trees.firstWords[end]) < limit { end += 1 }
        return end
    }

    /// Rounds or widens the row to the input type, then finds its ranks.
    private func prepareRow<Value: BinaryFloatingPoint>(
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

    // MARK: Trees

    private func addTrees(_ range: Range<Int>, _ row: Int, _ scratch: ScoringScratch) {
        let trees = TreeRange(image, range)
        let slots = unsafe UnsafePointer(scratch.slots + row * image.slotCount)
        if isVectorized, image.wordByteCount == 4, image.numericalSlotCount == image.slotCount {
            unsafe lodestore_walk32(
                image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self), trees.firstWords,
                UInt32(trees.count), slots, UInt32(image.childBits), UInt32(image.slotBits), scratch.leaves)
        } else if image.wordByteCount == 4 {
            unsafe findLeaves(WordCut<UInt32>(image), trees, slots, scratch.leaves)
        } else {
            unsafe findLeaves(WordCut<UInt64>(image), trees, slots, scratch.leaves)
        }
        let sums = unsafe scratch.sums + row * marginCount
        switch image.accumulator {
        case .float32:
            let values = unsafe image.values.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
            if marginCount == 1 {
                var sum = unsafe Float(sums[0])
                for index in 0..<trees.count { unsafe sum += values[Int(scratch.leaves[index])] }
                unsafe sums[0] = Double(sum)
            } else {
                for index in 0..<trees.count {
                    let margin = unsafe Int(trees.margins[index])
                    unsafe sums[margin] = Double(Float(sums[margin]) + values[Int(scratch.leaves[index])])
                }
            }
        case .float64:
            let values = unsafe image.values.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
            for index in 0..<trees.count {
                unsafe sums[Int(trees.margins[index])] += values[Int(scratch.leaves[index])]
            }
        }
    }

    private func findLeaves<Word: FixedWidthInteger & UnsignedInteger>(
        _ cut: WordCut<Word>, _ trees: TreeRange, _ slots: UnsafePointer<UInt32>, _ leaves: UnsafeMutablePointer<UInt32>
    ) {
        if image.numericalSlotCount == image.slotCount {
            unsafe walk(cut, trees, slots, leaves)
        } else {
            unsafe walkCategorical(cut, image, trees, slots, leaves)
        }
    }

    // MARK: Linear models

    private func addLinear<Value: BinaryFloatingPoint>(
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

    // MARK: Results

    private func finish(
        _ count: Int, _ outputs: UnsafeMutablePointer<Double>, _ scratch: ScoringScratch, isTransformed: Bool
    ) {
        for row in 0..<count {
            let sums = unsafe UnsafeMutableBufferPointer(start: scratch.sums + row * marginCount, count: marginCount)
            if isTransformed, image.divisor != 1 {
                for margin in 0..<marginCount { unsafe sums[margin] /= image.divisor }
            }
            unsafe Scoring.transform(
                UnsafeBufferPointer(sums), isTransformed ? image.transform : .identity, slope: image.transformSlope,
                image.accumulator, into: outputs + row * (isTransformed ? outputCount : marginCount))
        }
    }
}
