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

    func checkSearches() throws(ModelImageError) {
        let found = unsafe section(.searches)
        let expected = unsafe SearchTable(features: Array(features), slots: slots[..<numericalSlotCount])
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
