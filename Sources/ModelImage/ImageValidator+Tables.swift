import ModelTypes

// The tables that repeat what other sections say in an order that kernels want. They are made again and compared.

extension ImageValidator {
    func checkPivots() throws(ModelImageError) {
        let wrong = ModelImageError.section(ImageSection.pivots.rawValue)
        let pivots = unsafe section(.pivots)
        let thresholds = unsafe section(.thresholds)
        guard pivots.count % inputType.byteCount == 0 else { throw wrong }
        let count = pivots.count / inputType.byteCount
        var position = 0
        for index in 0..<columnCount {
            let entry = unsafe features[index]
            var isSound = true
            SearchTable.forEachPivot(thresholdCount: Int(entry.thresholdCount)) { source in
                guard isSound, position < count else { return isSound = false }
                let found = unsafe number(position, in: pivots)
                if let source {
                    isSound = unsafe found == number(Int(entry.firstThreshold) + source, in: thresholds)
                } else {
                    isSound = found.isNaN
                }
                position += 1
            }
            guard isSound else { throw wrong }
        }
        guard position == count else { throw wrong }
    }

    private var searchTable: SearchTable {
        unsafe SearchTable(features: Array(features), slots: slots[..<numericalSlotCount])
    }

    func checkSearches() throws(ModelImageError) {
        let found = unsafe section(.searches)
        let expected = searchTable
        let fieldCount = SearchTable.Search.fieldCount
        guard found.count == expected.searches.count * fieldCount * 4 else {
            throw .section(ImageSection.searches.rawValue)
        }
        let fields = unsafe found.assumingMemoryBound(to: UInt32.self)
        for (index, search) in expected.searches.enumerated() {
            for (field, value) in search.fields.enumerated() {
                guard unsafe fields[index * fieldCount + field] == value else {
                    throw .section(ImageSection.searches.rawValue)
                }
            }
        }
    }

    /// What the image must have for comparisons, without its trees. Slots have been checked.
    private var comparisonTable: ComparisonTable? {
        guard kind == .forest else { return nil }
        return unsafe ComparisonTable(
            depths: trees.depths, layout, searchTable, slotCount: slotCount, numericalSlotCount: numericalSlotCount)
    }

    var comparisons: ModelImageView.Comparisons? {
        guard let table = comparisonTable else { return nil }
        let all = unsafe section(.comparisons)
        let splitByteCount = 3 * treeCount << table.levels
        return unsafe ModelImageView.Comparisons(
            levels: table.levels, codeCount: table.codeCount,
            splits: UnsafeRawBufferPointer(rebasing: all[..<splitByteCount]),
            values: UnsafeRawBufferPointer(rebasing: all[splitByteCount...]))
    }

    func checkComparisons() throws(ModelImageError) {
        let wrong = ModelImageError.section(ImageSection.comparisons.rawValue)
        guard var expected = comparisonTable else {
            guard bounds(.comparisons) == (0, 0) else { throw wrong }
            return
        }
        let values = unsafe section(.values)
        let width = accumulator.byteCount
        guard bounds(.comparisons).count == UInt64((treeCount << expected.levels) * (3 + width)) else { throw wrong }
        // Trees and words have been checked.
        if layout.byteCount == 4 {
            unsafe append(section(.words).assumingMemoryBound(to: UInt32.self), to: &expected)
        } else {
            unsafe append(section(.words).assumingMemoryBound(to: UInt64.self), to: &expected)
        }
        let found = unsafe section(.comparisons)
        let foundValues = unsafe found[expected.splits.count...]
        guard unsafe found.starts(with: expected.splits) else { throw wrong }
        for (index, leaf) in expected.leaves.enumerated() {
            for byte in 0..<width {
                let expected = leaf.map { unsafe values[$0 * width + byte] } ?? 0
                guard unsafe foundValues[foundValues.startIndex + index * width + byte] == expected else { throw wrong }
            }
        }
    }

    private func append(_ words: UnsafeBufferPointer<some BinaryInteger>, to table: inout ComparisonTable) {
        for tree in 0..<treeCount {
            unsafe table.append(firstWord: Int(trees.firstWords[tree])) { unsafe UInt64(words[$0]) }
        }
    }

    /// Whether the image must have the sections of a scan.
    var hasScan: Bool {
        guard kind == .forest else { return false }
        return unsafe ScanTable.fits(
            wordCounts: trees.wordCounts.lazy.map { Int($0) }, layout, slotCount: slotCount,
            numericalSlotCount: numericalSlotCount,
            greatestRank: features.lazy.map { Int($0.thresholdCount) }.max() ?? 0)
    }

    var scan: ModelImageView.Scan {
        unsafe ModelImageView.Scan(
            starts: section(.scanStarts).assumingMemoryBound(to: UInt32.self),
            entries: section(.scanEntries).assumingMemoryBound(to: UInt32.self), values: section(.scanValues))
    }

    func checkScan() throws(ModelImageError) {
        guard hasScan else {
            for section in [ImageSection.scanStarts, .scanEntries, .scanValues] {
                guard bounds(section) == (0, 0) else { throw .section(section.rawValue) }
            }
            return
        }
        // Trees and words have been checked; a scan has words of four bytes.
        let words = unsafe section(.words).assumingMemoryBound(to: UInt32.self)
        var expected = ScanTable(layout)
        for tree in 0..<treeCount {
            unsafe expected.append(firstWord: Int(trees.firstWords[tree])) { unsafe UInt64(words[$0]) }
        }
        expected.finish()
        let found = scan
        let values = unsafe section(.values)
        let width = accumulator.byteCount
        guard unsafe found.starts.elementsEqual(expected.starts) else {
            throw .section(ImageSection.scanStarts.rawValue)
        }
        guard unsafe found.entries.elementsEqual(expected.entries) else {
            throw .section(ImageSection.scanEntries.rawValue)
        }
        guard unsafe found.values.count == expected.leaves.count * width else {
            throw .section(ImageSection.scanValues.rawValue)
        }
        for (index, leaf) in expected.leaves.enumerated() {
            for byte in 0..<width {
                guard unsafe found.values[index * width + byte] == values[leaf * width + byte] else {
                    throw .section(ImageSection.scanValues.rawValue)
                }
            }
        }
    }
}
