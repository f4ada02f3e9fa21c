package import ModelTypes

/// A look at an image whose every offset and index has been checked, so that kernels need check none.
///
/// The bytes must outlive every copy of the view and must not change: they are a sealed memory file, or an array that the
/// owner keeps. A view is a plain value without references.
// Sendable: the bytes are constant and the view only reads them.
@safe package struct ModelImageView: @unchecked Sendable {
    /// The version of the format that this code reads and writes.
    package static var version: UInt16 { ImageHeader.version }

    // Invariants, established by ImageValidator: every buffer lies in the image; trees[i] lies in words; each child of a word
    // is a word of the same tree, further on, except that leaves lead to themselves; each word's slot is one of slots; each
    // slot's feature is one of features, those of the row and those computed behind them, with thresholds when the slot is numerical; each feature lies in thresholds; margins are
    // below marginCount; each category set named by a word lies in categoryWords; a tree's depth is that of its deepest leaf;
    // pivots, searches, comparisons and scan are what SearchTable, ComparisonTable and ScanTable make of the rest; a network's layers read what was written
    // before them and lie, as their constants do, where they say.
    package let featureCount: Int
    /// Margins per row.
    package let marginCount: Int
    package let treeCount: Int
    package let isLinear: Bool
    package let isFactorized: Bool
    package let isNetwork: Bool
    /// Whether a library runs it: no kernel does.
    package let isGraph: Bool
    /// The type to parse text to, and to compare in.
    package let inputType: NumberType
    /// The type that margins are added in and that predictions have.
    package let accumulator: NumberType
    package let comparison: Forest.Comparison
    package let categoryRule: Forest.CategoryRule
    package let transform: OutputTransform
    package let transformSlope: Double
    package let divisor: Double
    /// What sums are multiplied by before the biases are added.
    package let scale: Double
    package let childBits: Int
    package let slotBits: Int
    package let wordByteCount: Int
    package let numericalSlotCount: Int
    package let starts: UnsafeBufferPointer<Double>
    /// One for each margin, or none.
    package let biases: UnsafeBufferPointer<Double>
    package let features: UnsafeBufferPointer<FeatureEntry>
    package let thresholds: UnsafeRawBufferPointer
    package let slots: UnsafeBufferPointer<SlotEntry>
    package let trees: Trees
    package let words: UnsafeRawBufferPointer
    package let values: UnsafeRawBufferPointer
    package let categorySets: UnsafeBufferPointer<CategorySetEntry>
    package let categoryWords: UnsafeBufferPointer<UInt32>
    package let pivots: UnsafeRawBufferPointer
    /// Ten numbers for each search: ``SearchTable/Search``.
    package let searches: UnsafeBufferPointer<UInt32>
    /// Nil when the image has none.
    package let comparisons: Comparisons?
    /// Nil when the image has none.
    package let scan: Scan?
    /// Of a factorization machine: [featureCount, factorStride].
    package let factors: UnsafeBufferPointer<Float>
    /// From texts to numbers.
    let textTables: TextTables
    /// What is computed from a row, and lies behind its features when slots are filled.
    package let computed: ComputedTables
    /// A network's layers, in the order in which they are computed; empty elsewhere.
    package let layers: UnsafeBufferPointer<NetworkLayerEntry>
    /// A network's buffers, of which the first is the row.
    package let buffers: UnsafeBufferPointer<NetworkBufferEntry>
    /// Where a network's margins are.
    package let networkOutput: NetworkPlaceEntry
    /// Of a graph, the file that it came in.
    package let graph: UnsafeRawBufferPointer
    private let texts: UnsafeRawBufferPointer
    private let labels: UnsafeRawBufferPointer
    private let bytes: UnsafeRawBufferPointer

    /// Where a feature's thresholds are.
    package struct FeatureEntry {
        package let firstThreshold: UInt32
        package let thresholdCount: UInt32
    }

    /// What a slot of the prepared row holds.
    package struct SlotEntry {
        package let feature: UInt32
        package let rule: UInt32
    }

    /// Where trees are and what they add to; each buffer has an entry for each tree.
    @safe package struct Trees {
        package let firstWords: UnsafeBufferPointer<UInt32>
        package let wordCounts: UnsafeBufferPointer<UInt32>
        package let margins: UnsafeBufferPointer<UInt32>
        package let depths: UnsafeBufferPointer<UInt32>
    }

    /// Full trees, all splits of which are compared at once: ``ComparisonTable``.
    @safe package struct Comparisons {
        package let levels: Int
        /// Codes of a row.
        package let codeCount: Int
        package let splits: UnsafeRawBufferPointer
        package let values: UnsafeRawBufferPointer
    }

    /// The splits as bit vectors, tree by tree: ``ScanTable``.
    @safe package struct Scan {
        package let starts: UnsafeBufferPointer<UInt32>
        package let entries: UnsafeBufferPointer<UInt32>
        package let values: UnsafeRawBufferPointer
    }

    /// Where a set's bits are.
    package struct CategorySetEntry {
        package let firstWord: UInt32
        package let wordCount: UInt32
    }

    /// Checks every offset and index; time and temporary memory are linear in the image.
    package init(validating bytes: UnsafeRawBufferPointer) throws(ModelImageError) {
        let checked = try unsafe ImageValidator(bytes)
        try checked.validate()
        self.init(checked, try checked.textTables(), try checked.computedTables())
    }

    private init(_ image: ImageValidator, _ textTables: TextTables, _ computed: ComputedTables) {
        unsafe self.bytes = image.bytes
        featureCount = image.featureCount
        marginCount = image.marginCount
        treeCount = image.treeCount
        isLinear = image.kind == .linear
        isFactorized = image.kind == .factorizationMachine
        isNetwork = image.kind == .network
        isGraph = image.kind == .graph
        inputType = image.inputType
        accumulator = image.accumulator
        comparison = image.comparison
        categoryRule = image.categoryRule
        transform = image.transform
        transformSlope = image.transformSlope
        divisor = image.divisor
        scale = image.scale
        childBits = image.layout.childBits
        slotBits = image.layout.slotBits
        wordByteCount = image.layout.byteCount
        numericalSlotCount = image.numericalSlotCount
        unsafe starts = image.starts
        unsafe biases = image.biases
        unsafe features = image.features
        unsafe thresholds = image.section(.thresholds)
        unsafe slots = image.slots
        trees = image.trees
        unsafe words = image.section(.words)
        unsafe values = image.section(.values)
        unsafe categorySets = image.categorySets
        unsafe categoryWords = image.categoryWords
        unsafe pivots = image.section(.pivots)
        unsafe searches = image.section(.searches).assumingMemoryBound(to: UInt32.self)
        comparisons = image.comparisons
        scan = image.hasScan ? image.scan : nil
        unsafe factors = image.factors
        self.textTables = textTables
        self.computed = computed
        unsafe layers = image.kind == .network ? image.networkLayers : UnsafeBufferPointer(start: nil, count: 0)
        unsafe buffers = image.kind == .network ? image.networkBuffers : UnsafeBufferPointer(start: nil, count: 0)
        networkOutput =
            image.kind == .network ? image.networkOutput : NetworkPlaceEntry(buffer: 0, first: 0, count: 0)
        unsafe graph = image.kind == .graph ? image.section(.graph) : UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe texts = image.section(.texts)
        unsafe labels = image.section(.classLabels)
    }

    /// Predictions per row.
    package var outputCount: Int { transform.outputCount(marginCount: marginCount) }
    /// The type that the reference library answers in.
    package var outputType: NumberType { accumulator }
    package var slotCount: Int { unsafe slots.count }
    package var searchCount: Int { unsafe searches.count / SearchTable.Search.fieldCount }
    /// Factors of a feature, zeros at the end included: a multiple of eight.
    package var factorStride: Int { featureCount == 0 ? 0 : unsafe factors.count / featureCount }
    package var sizeBytes: Int { unsafe bytes.count }
    /// Worked out anew each time, in a time that is linear in the image.
    package var work: ScoringWork { ScoringWork(self) }

    /// SHA-256 of the artifact that the image was compiled from.
    package var artifactDigest: [UInt8] {
        unsafe Array(bytes[ImageHeader.artifactDigestOffset..<ImageHeader.artifactDigestOffset + 32])
    }

    /// One name for each feature, or none.
    package func featureNames() -> [String] { unsafe Array(Self.all(texts).dropFirst(3)) }
    package func objective() -> String { unsafe Self.all(texts)[0] }
    package func sourceFormat() -> String { unsafe Self.all(texts)[1] }
    package func writerVersion() -> String { unsafe Self.all(texts)[2] }
    /// What each prediction of a row is the score of, or none.
    package func classLabels() -> [String] { unsafe Self.all(labels) }

    private static func all(_ texts: UnsafeRawBufferPointer) -> [String] {
        var result: [String] = []
        var position = 0
        while position + 4 <= texts.count {
            let count = Int(unsafe texts.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            result.append(unsafe String(decoding: texts[position + 4..<position + 4 + count], as: UTF8.self))
            position += 4 + count
        }
        return result
    }
}
