import CKernels
package import ModelImage
import ModelTypes

/// Scores rows by an image. A plain value; the image's bytes must outlive it.
///
/// Rows are row-major, [rowCount, featureCount]; NaN means missing. Results are Double for every model: where the image's
/// output type is float32, each is a Float widened, exactly. Nothing throws and, once the scratch has room, nothing
/// allocates; a row is scored by the thread that asks.
package struct Scorer: Sendable {
    /// Rows whose leaves are found before any is added: their sums then grow side by side.
    static let rowsPerGroup = 4
    /// Rows that the kernels of AVX2 take at once.
    static let rowsPerVector = 8
    /// Rows that a scan takes at once, and how many make it cheaper than walks.
    static let rowsPerScan = 32
    static let scanMinimum = 20
    /// Room for the codes of a row.
    static let codeBytes = 64
    /// Bytes of words and values that a block of trees has at most: a common second-level cache.
    private static let blockBytes = 1 << 20
    /// Bytes of prepared rows that a block of rows has at most, where a few rows fit: a common first-level cache.
    private static let preparedBytes = 1 << 15

    let image: ModelImageView
    package let featureCount: Int
    /// Margins per row.
    package let marginCount: Int
    /// Predictions per row.
    package let outputCount: Int

    /// The kernels in use.
    package let kernels: KernelSet
    /// Which of the dense kernels of `CKernels` are used; 0 keeps to the portable ones.
    let denseLevel: Int32
    let network: NetworkPlan
    /// Of the deepest leaf.
    let depth: UInt32
    /// Rows are prepared and scored in blocks, tree by tree, so that a tree's words stay close while a block passes.
    let rowsPerBlock: Int
    /// Whether sums are scaled or get a bias.
    private let isScaled: Bool

    /// - Parameter kernels: The best to use; what the processor lacks is not used.
    /// - Precondition: the image is no library's graph: ``Predictor`` takes any.
    package init(_ image: ModelImageView, kernels: KernelSet = .avx512) {
        precondition(!image.isGraph, "a graph has no kernel")
        self.init(any: image, kernels: kernels)
    }

    /// Of a graph too, which it must then never be asked for.
    init(any image: ModelImageView, kernels: KernelSet = .avx512) {
        self.image = image
        self.kernels = min(kernels, KernelSet.ofProcessor)
        denseLevel = min(Int32(self.kernels.rawValue), lodestore_dense_level())
        network = NetworkPlan(image)
        depth = unsafe image.trees.depths.max() ?? 0
        isScaled = unsafe image.scale != 1 || !image.biases.isEmpty
        featureCount = image.featureCount
        marginCount = image.marginCount
        outputCount = image.outputCount
        let fitting = Self.preparedBytes / (4 * max(1, image.slotCount))
        rowsPerBlock = min(max(fitting / Self.rowsPerScan * Self.rowsPerScan, Self.rowsPerScan), 128)
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
                if image.isNetwork {
                    return unsafe scoreNetwork(
                        rows.baseAddress.unsafelyUnwrapped, rowCount, outputs.baseAddress.unsafelyUnwrapped, scratch,
                        isTransformed: isTransformed)
                }
                var start = 0
                while start < rowCount {
                    let count = min(rowsPerBlock, rowCount - start)
                    let block = unsafe UnsafeBufferPointer(
                        rebasing: rows[start * featureCount..<(start + count) * featureCount])
                    unsafe sums(of: block, count, scratch)
                    unsafe finish(
                        count, outputs.baseAddress.unsafelyUnwrapped + start * width, scratch,
                        isTransformed: isTransformed)
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
        if image.isFactorized {
            for row in 0..<count { unsafe addFactorized(rows, row, scratch.sums + row, scratch) }
            return
        }
        guard image.treeCount > 0 else { return }
        var row = 0
        if kernels >= .avx2, let scan = image.scan {
            while count - row >= Self.scanMinimum {
                let group = min(Self.rowsPerScan, count - row)
                unsafe addScan(scan, rows, row..<row + group, scratch)
                row += group
            }
        }
        guard row < count else { return }
        if kernels >= .avx2, let comparisons = image.comparisons {
            unsafe addComparisons(comparisons, rows, row..<count, scratch)
        } else {
            unsafe addWalks(rows, row..<count, scratch)
        }
    }

    /// Prepares rows and walks the trees.
    private func addWalks<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, _ range: Range<Int>, _ scratch: ScoringScratch
    ) {
        for row in range { unsafe prepareRow(rows, row, scratch) }
        let isNarrow = image.wordByteCount == 4 && image.numericalSlotCount == image.slotCount
        if kernels == .avx2, isNarrow { return addTrees(range, scratch) }
        // A block of trees at a time over all rows: the sums still grow in the order of the trees.
        var tree = 0
        while tree < image.treeCount {
            let end = range.count == 1 ? image.treeCount : endOfTreeBlock(from: tree)
            var row = range.lowerBound
            while row < range.upperBound {
                let group = min(Self.rowsPerGroup, range.upperBound - row)
                addTrees(tree..<end, rows: row..<row + group, scratch)
                row += group
            }
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

    // MARK: Results

    private func finish(
        _ count: Int, _ outputs: UnsafeMutablePointer<Double>, _ scratch: ScoringScratch, isTransformed: Bool
    ) {
        for row in 0..<count {
            let sums = unsafe UnsafeMutableBufferPointer(start: scratch.sums + row * marginCount, count: marginCount)
            if isScaled { unsafe scale(sums) }
            if isTransformed, image.divisor != 1 {
                for margin in 0..<marginCount {
                    let quotient = unsafe sums[margin] / image.divisor
                    // Rounded twice, a quotient of two floats is still the nearest float.
                    unsafe sums[margin] = image.accumulator == .float32 ? Double(Float(quotient)) : quotient
                }
            }
            unsafe Scoring.transform(
                UnsafeBufferPointer(sums), isTransformed ? image.transform : .identity, slope: image.transformSlope,
                image.accumulator, into: outputs + row * (isTransformed ? outputCount : marginCount))
        }
    }

    /// margin = scale · sum + bias, in two steps of the accumulator's type (CatBoost's `ApplyScaleAndBias`).
    private func scale(_ sums: UnsafeMutableBufferPointer<Double>) {
        for margin in 0..<marginCount {
            let isFloat = image.accumulator == .float32
            var sum = unsafe sums[margin] * image.scale
            if isFloat { sum = Double(Float(sum)) }
            if unsafe !image.biases.isEmpty { unsafe sum += image.biases[margin] }
            unsafe sums[margin] = isFloat ? Double(Float(sum)) : sum
        }
    }
}
