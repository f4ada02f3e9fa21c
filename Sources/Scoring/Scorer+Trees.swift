import CKernels
import ModelImage
import ModelTypes

// From slots to sums: the leaves of a few rows are found, then added.

extension Scorer {
    /// Walks all trees for rows that are prepared, and adds their leaves: words of 32 bits, numerical splits, AVX2.
    func addTrees(_ rows: Range<Int>, _ scratch: ScoringScratch) {
        unsafe withForest { forest in
            let slots = unsafe UnsafePointer(scratch.slots + rows.lowerBound * image.slotCount)
            let sums = unsafe scratch.sums + rows.lowerBound * marginCount
            if rows.count < Self.rowsPerVector / 2 {
                for row in 0..<rows.count {
                    unsafe lodestore_add_row(
                        forest, slots + row * image.slotCount, scratch.order, sums + row * marginCount)
                }
            } else {
                unsafe lodestore_add_rows(forest, slots, UInt32(image.slotCount), UInt32(rows.count), sums)
            }
        }
    }

    /// Makes codes of rows and adds the leaves that comparisons find.
    func addComparisons<Value: BinaryFloatingPoint>(
        _ comparisons: ModelImageView.Comparisons, _ rows: UnsafeBufferPointer<Value>, _ range: Range<Int>,
        _ scratch: ScoringScratch
    ) {
        let codes = unsafe UnsafeMutableRawPointer(scratch.slots).assumingMemoryBound(to: UInt8.self)
        for (place, row) in range.enumerated() {
            unsafe prepareCodes(rows, row, codes + place * Self.codeBytes, scratch)
        }
        let sums = unsafe scratch.sums + range.lowerBound * marginCount
        var table = unsafe lodestore_comparisons(
            splits: comparisons.splits.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
            values: comparisons.values.baseAddress.unsafelyUnwrapped, levels: UInt32(comparisons.levels),
            code_count: UInt32(comparisons.codeCount))
        unsafe withForest { forest in
            unsafe lodestore_compare(forest, &table, codes, UInt32(range.count), sums)
        }
    }

    /// Prepares up to ``Scorer/rowsPerScan`` rows and adds the leaves that a scan finds.
    func addScan<Value: BinaryFloatingPoint>(
        _ scan: ModelImageView.Scan, _ rows: UnsafeBufferPointer<Value>, _ range: Range<Int>, _ scratch: ScoringScratch
    ) {
        // Bytes for 32 rows take the place of words for eight.
        let slots = unsafe UnsafeMutableRawPointer(scratch.slots).assumingMemoryBound(to: UInt8.self)
        for (column, row) in range.enumerated() { unsafe prepareScanRow(rows, row, slots + column, scratch) }
        let sums = unsafe scratch.sums + range.lowerBound * marginCount
        unsafe withForest { forest in
            unsafe lodestore_scan(
                forest, scan.starts.baseAddress.unsafelyUnwrapped,
                scan.entries.baseAddress ?? image.trees.firstWords.baseAddress,
                scan.values.baseAddress.unsafelyUnwrapped, slots, UInt32(range.count), sums)
        }
    }

    @inline(__always)
    private func withForest(_ body: (UnsafePointer<lodestore_trees>) -> Void) {
        var forest = unsafe lodestore_trees(
            words: image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self),
            first_words: image.trees.firstWords.baseAddress, word_counts: image.trees.wordCounts.baseAddress,
            margins: image.trees.margins.baseAddress, depths: image.trees.depths.baseAddress,
            values: image.values.baseAddress, tree_count: UInt32(image.treeCount), depth: depth,
            child_bits: UInt32(image.childBits), slot_bits: UInt32(image.slotBits), margin_count: UInt32(marginCount),
            is_double: image.accumulator == .float64)
        unsafe body(&forest)
    }

    /// - Parameter rows: At most ``Scorer/rowsPerGroup`` rows of the block.
    func addTrees(_ range: Range<Int>, rows: Range<Int>, _ scratch: ScoringScratch) {
        let trees = TreeRange(image, range)
        for (position, row) in rows.enumerated() {
            let slots = unsafe UnsafePointer(scratch.slots + row * image.slotCount)
            unsafe findLeaves(of: trees, slots, scratch.leaves + position * trees.count, scratch.order)
        }
        let sums = unsafe scratch.sums + rows.lowerBound * marginCount
        let leaves = unsafe UnsafePointer(scratch.leaves)
        switch image.accumulator {
        case .float32:
            let values = unsafe image.values.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
            unsafe addLeaves(leaves, of: trees, rowCount: rows.count, values, marginCount, sums)
        case .float64:
            let values = unsafe image.values.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
            unsafe addLeaves(leaves, of: trees, rowCount: rows.count, values, marginCount, sums)
        }
    }

    private func findLeaves(
        of trees: TreeRange, _ slots: UnsafePointer<UInt32>, _ leaves: UnsafeMutablePointer<UInt32>,
        _ order: UnsafeMutablePointer<UInt32>
    ) {
        let isNumerical = image.numericalSlotCount == image.slotCount
        switch (image.wordByteCount, isNumerical) {
        case (4, true) where kernels == .avx512:
            unsafe lodestore_walk32(
                image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self), trees.firstWords,
                UInt32(trees.count), slots, UInt32(image.slotCount), UInt32(image.childBits), UInt32(image.slotBits),
                depth, leaves, order)
        case (4, true): unsafe walk(WordCut<UInt32>(image), trees, slots, leaves)
        case (4, false): unsafe walkCategorical(WordCut<UInt32>(image), image, trees, slots, leaves)
        case (_, true): unsafe walk(WordCut<UInt64>(image), trees, slots, leaves)
        case (_, false): unsafe walkCategorical(WordCut<UInt64>(image), image, trees, slots, leaves)
        }
    }
}

/// Adds leaves to the sums of up to four rows, each in the order of the trees.
///
/// An addition waits for the one before it, three or four cycles; four rows side by side hide most of that.
///
/// - Parameters:
///   - leaves: [rowCount, trees.count].
///   - sums: [rowCount, marginCount]; values of the accumulator's type, widened.
@inline(__always)
private func addLeaves<Value: BinaryFloatingPoint>(
    _ leaves: UnsafePointer<UInt32>, of trees: TreeRange, rowCount: Int, _ values: UnsafePointer<Value>,
    _ marginCount: Int, _ sums: UnsafeMutablePointer<Double>
) {
    let count = trees.count
    if marginCount == 1, rowCount == 4 {
        var (sum0, sum1) = unsafe (Value(sums[0]), Value(sums[1]))
        var (sum2, sum3) = unsafe (Value(sums[2]), Value(sums[3]))
        for index in 0..<count {
            unsafe sum0 += values[Int(leaves[index])]
            unsafe sum1 += values[Int(leaves[count &+ index])]
            unsafe sum2 += values[Int(leaves[2 &* count &+ index])]
            unsafe sum3 += values[Int(leaves[3 &* count &+ index])]
        }
        unsafe (sums[0], sums[1]) = (Double(sum0), Double(sum1))
        unsafe (sums[2], sums[3]) = (Double(sum2), Double(sum3))
        return
    }
    for row in 0..<rowCount {
        let leaves = unsafe leaves + row &* count
        let sums = unsafe sums + row &* marginCount
        if marginCount == 1 {
            var sum = unsafe Value(sums[0])
            for index in 0..<count { unsafe sum += values[Int(leaves[index])] }
            unsafe sums[0] = Double(sum)
        } else {
            for index in 0..<count {
                let margin = unsafe Int(trees.margins[index])
                unsafe sums[margin] = Double(Value(sums[margin]) + values[Int(leaves[index])])
            }
        }
    }
}
