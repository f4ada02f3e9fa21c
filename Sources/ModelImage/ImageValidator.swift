import ModelTypes

/// Reads an image's header and tables from bytes that nobody vouches for, and checks them.
@safe struct ImageValidator {
    // Invariant: at least a header long, aligned to eight.
    let bytes: UnsafeRawBufferPointer
    let byteCount: Int
    let kind: ImageKind
    let inputType: NumberType
    let accumulator: NumberType
    let comparison: Forest.Comparison
    let categoryRule: Forest.CategoryRule
    let transform: OutputTransform
    let transformSlope: Double
    let divisor: Double
    let scale: Double
    let featureCount: Int
    let marginCount: Int
    let treeCount: Int
    let slotCount: Int
    let numericalSlotCount: Int
    let categorySetCount: Int
    let layerCount: Int
    let bufferCount: Int
    let layout: WordLayout

    init(_ bytes: UnsafeRawBufferPointer) throws(ModelImageError) {
        guard bytes.count >= ImageHeader.byteCount, let base = bytes.baseAddress else {
            throw .length(stated: 0, found: bytes.count)
        }
        guard UInt(bitPattern: base) % 8 == 0 else { throw .misaligned }
        func load<Value: FixedWidthInteger>(_: Value.Type, _ offset: Int) -> Value {
            unsafe Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
        func double(_ offset: Int) -> Double { Double(bitPattern: load(UInt64.self, offset)) }
        func choice<Choice: RawRepresentable<UInt8>>(_: Choice.Type, _ offset: Int) throws(ModelImageError) -> Choice {
            guard let choice = Choice(rawValue: load(UInt8.self, offset)) else { throw .header(offset: offset) }
            return choice
        }
        guard load(UInt64.self, ImageHeader.magicOffset) == ImageHeader.magic else { throw .magic }
        let version = load(UInt16.self, ImageHeader.versionOffset)
        guard version == ImageHeader.version else { throw .version(version) }
        let stated = load(UInt64.self, ImageHeader.totalByteCountOffset)
        guard stated == UInt64(bytes.count) else { throw .length(stated: stated, found: bytes.count) }
        unsafe self.bytes = bytes
        byteCount = bytes.count
        kind = try choice(ImageKind.self, ImageHeader.kindOffset)
        inputType = try choice(NumberType.self, ImageHeader.inputTypeOffset)
        accumulator = try choice(NumberType.self, ImageHeader.accumulatorOffset)
        transform = try choice(OutputTransform.self, ImageHeader.transformOffset)
        transformSlope = double(ImageHeader.transformSlopeOffset)
        divisor = double(ImageHeader.divisorOffset)
        scale = kind == .forest ? double(ImageHeader.scaleOffset) : 1
        featureCount = Int(load(UInt32.self, ImageHeader.featureCountOffset))
        marginCount = Int(load(UInt32.self, ImageHeader.marginCountOffset))
        guard marginCount > 0 else { throw .header(offset: ImageHeader.marginCountOffset) }
        // Kernels number features, slots, thresholds and words by signed integers of 32 bits.
        guard featureCount <= Int(Int32.max) else { throw .header(offset: ImageHeader.featureCountOffset) }
        // A pair of predictions is made of one margin.
        guard transform.outputCount(marginCount: 1) == 1 || marginCount == 1 else {
            throw .header(offset: ImageHeader.transformOffset)
        }
        layerCount = kind == .network ? Int(load(UInt32.self, ImageHeader.layerCountOffset)) : 0
        bufferCount = kind == .network ? Int(load(UInt32.self, ImageHeader.bufferCountOffset)) : 0
        if kind == .forest {
            comparison = try choice(Forest.Comparison.self, ImageHeader.comparisonOffset)
            categoryRule = try choice(Forest.CategoryRule.self, ImageHeader.categoryRuleOffset)
            treeCount = Int(load(UInt32.self, ImageHeader.treeCountOffset))
            slotCount = Int(load(UInt32.self, ImageHeader.slotCountOffset))
            numericalSlotCount = Int(load(UInt32.self, ImageHeader.numericalSlotCountOffset))
            categorySetCount = Int(load(UInt32.self, ImageHeader.categorySetCountOffset))
            guard numericalSlotCount <= slotCount, slotCount <= Int(Int32.max) else {
                throw .header(offset: ImageHeader.numericalSlotCountOffset)
            }
            guard
                let layout = WordLayout(
                    childBits: Int(load(UInt8.self, ImageHeader.childBitsOffset)),
                    slotBits: Int(load(UInt8.self, ImageHeader.slotBitsOffset)),
                    rankBits: Int(load(UInt8.self, ImageHeader.rankBitsOffset))),
                layout.byteCount == Int(load(UInt8.self, ImageHeader.wordByteCountOffset))
            else { throw .header(offset: ImageHeader.rankBitsOffset) }
            self.layout = layout
        } else {
            (comparison, categoryRule) = (.less, .nonNegative)
            (treeCount, slotCount, numericalSlotCount, categorySetCount) = (0, 0, 0, 0)
            layout = WordLayout(greatestChild: 1, greatestSlot: 1, greatestRank: 1)!
        }
    }

    // MARK: Sections. Their bounds are checked by `checkSections` before any is touched.

    func bounds(_ section: ImageSection) -> (start: UInt64, count: UInt64) {
        let entry = ImageHeader.sectionTableOffset + section.rawValue * 16
        return unsafe (
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: entry, as: UInt64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: entry + 8, as: UInt64.self))
        )
    }

    func section(_ section: ImageSection) -> UnsafeRawBufferPointer {
        let (start, count) = bounds(section)
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(start + count)])
    }

    var starts: UnsafeBufferPointer<Double> {
        unsafe UnsafeBufferPointer(rebasing: startsAndBiases[..<marginCount])
    }
    /// One for each margin, or none.
    var biases: UnsafeBufferPointer<Double> {
        unsafe UnsafeBufferPointer(rebasing: startsAndBiases[marginCount...])
    }
    private var startsAndBiases: UnsafeBufferPointer<Double> {
        unsafe section(.starts).assumingMemoryBound(to: Double.self)
    }
    var factors: UnsafeBufferPointer<Float> { unsafe section(.factors).assumingMemoryBound(to: Float.self) }
    var features: UnsafeBufferPointer<ModelImageView.FeatureEntry> {
        unsafe section(.features).assumingMemoryBound(to: ModelImageView.FeatureEntry.self)
    }
    var slots: UnsafeBufferPointer<ModelImageView.SlotEntry> {
        unsafe section(.slots).assumingMemoryBound(to: ModelImageView.SlotEntry.self)
    }
    var trees: ModelImageView.Trees {
        let all = unsafe section(.trees).assumingMemoryBound(to: UInt32.self)
        return unsafe ModelImageView.Trees(
            firstWords: UnsafeBufferPointer(rebasing: all[..<treeCount]),
            wordCounts: UnsafeBufferPointer(rebasing: all[treeCount..<2 * treeCount]),
            margins: UnsafeBufferPointer(rebasing: all[2 * treeCount..<3 * treeCount]),
            depths: UnsafeBufferPointer(rebasing: all[3 * treeCount..<4 * treeCount]))
    }
    var categorySets: UnsafeBufferPointer<ModelImageView.CategorySetEntry> {
        let all = unsafe section(.categories)
        return unsafe UnsafeRawBufferPointer(rebasing: all[..<(categorySetCount * 8)])
            .assumingMemoryBound(to: ModelImageView.CategorySetEntry.self)
    }
    var categoryWords: UnsafeBufferPointer<UInt32> {
        let all = unsafe section(.categories)
        return unsafe UnsafeRawBufferPointer(rebasing: all[(categorySetCount * 8)...])
            .assumingMemoryBound(to: UInt32.self)
    }

    // MARK: Checks

    func validate() throws(ModelImageError) {
        try checkSections()
        try checkTexts()
        if kind == .network { try checkNetwork() }
        guard kind == .forest else { return }
        try checkFeatures()
        try checkSlots()
        try checkCategorySets()
        if layout.byteCount == 4 { try checkTrees(UInt32.self) } else { try checkTrees(UInt64.self) }
        try checkPivots()
        try checkSearches()
        try checkComparisons()
        try checkScan()
    }

    /// Sections lie in order, at multiples of 64, inside the image, and have the lengths that the header's counts ask for.
    private func checkSections() throws(ModelImageError) {
        var end = UInt64(ImageHeader.byteCount)
        for section in ImageSection.allCases {
            let (start, count) = bounds(section)
            if start == 0, count == 0 { continue }
            let (sum, overflows) = start.addingReportingOverflow(count)
            guard start >= end, start % 64 == 0, !overflows, sum <= UInt64(byteCount) else {
                throw .section(section.rawValue)
            }
            end = sum
        }
        func expect(_ section: ImageSection, count: Int, width: Int) throws(ModelImageError) {
            guard bounds(section).count == UInt64(count) * UInt64(width) else { throw .section(section.rawValue) }
        }
        if kind != .forest || bounds(.starts).count != UInt64(marginCount) * 16 {
            try expect(.starts, count: marginCount, width: 8)
        }
        if kind == .factorizationMachine {
            guard inputType == .float32, accumulator == .float32 else {
                throw .header(offset: ImageHeader.accumulatorOffset)
            }
            guard marginCount == 1 else { throw .header(offset: ImageHeader.marginCountOffset) }
            // A multiple of eight float32 for each feature.
            let width = UInt64(featureCount) * 32
            guard width == 0 ? bounds(.factors).count == 0 : bounds(.factors).count % width == 0 else {
                throw .section(ImageSection.factors.rawValue)
            }
        }
        if kind == .network { return try checkNetworkSections() }
        if kind == .graph { return try checkGraphSections() }
        guard kind == .forest else {
            // Counts are below 2^32 each, so that their product fits.
            let weightCount = UInt64(featureCount).multipliedReportingOverflow(by: UInt64(marginCount))
            let byteCount = weightCount.partialValue.multipliedReportingOverflow(by: UInt64(accumulator.byteCount))
            guard !weightCount.overflow, !byteCount.overflow, bounds(.words).count == byteCount.partialValue else {
                throw .section(ImageSection.words.rawValue)
            }
            return
        }
        // The sections of computed features lie in the image by now; what they hold is checked with the others' contents.
        guard columnCount <= Int(Int32.max) else { throw .projection(-1) }
        try expect(.features, count: columnCount, width: 8)
        try expect(.slots, count: slotCount, width: 8)
        try expect(.trees, count: treeCount, width: 16)
        let wordsBytes = bounds(.words).count
        guard wordsBytes % UInt64(layout.byteCount) == 0 else { throw .section(ImageSection.words.rawValue) }
        let wordCount = wordsBytes / UInt64(layout.byteCount)
        guard wordCount <= UInt64(Int32.max), bounds(.values).count == wordCount * UInt64(accumulator.byteCount) else {
            throw .section(ImageSection.values.rawValue)
        }
        let thresholdBytes = bounds(.thresholds).count
        guard thresholdBytes % UInt64(inputType.byteCount) == 0, thresholdBytes <= UInt64(Int32.max) else {
            throw .section(ImageSection.thresholds.rawValue)
        }
        let categoryBytes = bounds(.categories).count
        guard categoryBytes >= UInt64(categorySetCount) * 8, categoryBytes % 4 == 0 else {
            throw .section(ImageSection.categories.rawValue)
        }
    }

    /// A graph is its bytes, which nothing here reads; no section that kernels would is there.
    private func checkGraphSections() throws(ModelImageError) {
        guard transform == .identity else { throw .header(offset: ImageHeader.transformOffset) }
        guard bounds(.graph).count > 0 else { throw .section(ImageSection.graph.rawValue) }
        let allowed: [ImageSection] = [.texts, .starts, .encoders, .graph, .classLabels]
        for section in ImageSection.allCases where !allowed.contains(section) {
            guard bounds(section) == (0, 0) else { throw .section(section.rawValue) }
        }
    }

    /// The tables of texts, checked; empty where they are not there.
    func textTables() throws(ModelImageError) -> TextTables {
        try unsafe TextTables(validating: section(.encoders), featureCount: featureCount)
    }

    /// What is computed from a row, checked; empty where the sections are not there.
    func computedTables() throws(ModelImageError) -> ComputedTables {
        let (projections, parts, tables) = unsafe (section(.projections), section(.parts), section(.tables))
        if projections.count + parts.count + tables.count > 0 {
            guard kind == .forest, inputType == .float64 else { throw .projection(-1) }
        }
        return try unsafe ComputedTables(
            validating: projections, parts: parts, tables: tables, featureCount: featureCount)
    }

    /// The columns of a row and those computed from it. Bounds of sections have been checked.
    var columnCount: Int {
        featureCount + (kind == .forest ? unsafe ComputedTables.columnCount(section(.projections)) : 0)
    }

    private func checkTexts() throws(ModelImageError) {
        let count = try textCount(.texts, limitBytes: .max)
        guard count == 3 || count == 3 + featureCount else { throw .texts }
        let labelCount = try textCount(.classLabels, limitBytes: ImageCompiler.labelLimitBytes)
        guard labelCount == 0 || labelCount == transform.outputCount(marginCount: marginCount) else {
            throw .section(ImageSection.classLabels.rawValue)
        }
    }

    /// How many texts a section has, checked to be whole, of UTF-8 and no longer than allowed.
    private func textCount(_ name: ImageSection, limitBytes: Int) throws(ModelImageError) -> Int {
        let texts = unsafe section(name)
        var position = 0
        var count = 0
        while position < texts.count {
            guard texts.count - position >= 4 else { throw .texts }
            let length = Int(unsafe texts.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            guard length <= min(limitBytes, texts.count - position - 4),
                unsafe String(validating: texts[position + 4..<position + 4 + length], as: UTF8.self) != nil
            else { throw .texts }
            position += 4 + length
            count += 1
        }
        return count
    }

    private func checkFeatures() throws(ModelImageError) {
        let thresholds = unsafe section(.thresholds)
        let thresholdCount = thresholds.count / inputType.byteCount
        func threshold(_ index: Int) -> Double { unsafe number(index, in: thresholds) }
        var next = 0
        for index in 0..<columnCount {
            let entry = unsafe features[index]
            // Back to back: no threshold belongs to two features.
            let paddedCount = SearchTable.paddedCount(Int(entry.thresholdCount))
            guard Int(entry.firstThreshold) == next, paddedCount <= thresholdCount - next else {
                throw .feature(index)
            }
            let end = next + Int(entry.thresholdCount)
            for position in next..<end {
                let value = threshold(position)
                guard !value.isNaN, position == next || threshold(position - 1) < value else { throw .feature(index) }
            }
            for position in end..<next + paddedCount where !threshold(position).isNaN { throw .feature(index) }
            next += paddedCount
        }
        guard next == thresholdCount else { throw .section(ImageSection.thresholds.rawValue) }
    }

    /// A value of the input type.
    func number(_ index: Int, in values: UnsafeRawBufferPointer) -> Double {
        switch inputType {
        case .float32: unsafe Double(values.load(fromByteOffset: index * 4, as: Float.self))
        case .float64: unsafe values.load(fromByteOffset: index * 8, as: Double.self)
        }
    }

    private func checkSlots() throws(ModelImageError) {
        let columnCount = columnCount
        for index in 0..<slotCount {
            let entry = unsafe slots[index]
            guard let rule = SlotRule(rawValue: entry.rule), Int(entry.feature) < columnCount,
                rule.isCategorical == (index >= numericalSlotCount)
            else { throw .slot(index) }
            // A search reads at least one block.
            let thresholdCount = unsafe features[Int(entry.feature)].thresholdCount
            guard rule.isCategorical || thresholdCount > 0 else { throw .slot(index) }
        }
    }

    private func checkCategorySets() throws(ModelImageError) {
        let wordCount = unsafe categoryWords.count
        for index in 0..<categorySetCount {
            let entry = unsafe categorySets[index]
            guard Int(entry.firstWord) <= wordCount, Int(entry.wordCount) <= wordCount - Int(entry.firstWord) else {
                throw .categorySet(index)
            }
        }
    }

    /// Trees lie back to back. In each, children come behind their parents, every word is reached once, and the deepest
    /// leaf is as deep as the tree says.
    private func checkTrees<Word: FixedWidthInteger>(_: Word.Type) throws(ModelImageError) {
        let words = unsafe section(.words).assumingMemoryBound(to: Word.self)
        var depths: [UInt32] = []
        let trees = trees
        var next = 0
        for index in 0..<treeCount {
            let count = unsafe Int(trees.wordCounts[index])
            guard unsafe Int(trees.firstWords[index]) == next, count >= 2, count <= words.count - next,
                unsafe Int(trees.margins[index]) < marginCount
            else { throw .tree(index) }
            depths.removeAll(keepingCapacity: true)
            depths.append(contentsOf: repeatElement(.max, count: count))
            depths[0] = 0
            if count == 2 { depths[1] = 1 }
            var depth: UInt32 = 0
            for position in 0..<count {
                let word = UInt64(unsafe words[next + position])
                let (rank, slot, child) = (layout.rank(word), layout.slot(word), layout.child(word))
                guard depths[position] != .max else { throw .word(tree: index, index: position) }
                if rank == 0 {
                    // A leaf, or the word before the only leaf of a tree. Slot 0 is read even so.
                    guard slot == 0, child == max(position - 1, 0), position > 0 || count == 2
                    else { throw .word(tree: index, index: position) }
                    depth = max(depth, depths[position])
                    continue
                }
                guard child > position, child < count - 1, slot < slotCount, count > 2,
                    rank <= (try greatestRank(slot: slot)), depths[child] == .max, depths[child + 1] == .max
                else { throw .word(tree: index, index: position) }
                depths[child] = depths[position] + 1
                depths[child + 1] = depths[position] + 1
            }
            guard unsafe trees.depths[index] == depth else { throw .tree(index) }
            next += count
        }
        guard next == words.count else { throw .tree(treeCount) }
    }

    private func greatestRank(slot: Int) throws(ModelImageError) -> Int {
        slot < numericalSlotCount
            ? Int(unsafe features[Int(slots[slot].feature)].thresholdCount) : categorySetCount
    }
}
