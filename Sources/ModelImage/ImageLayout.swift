// The image's layout: one place for every number that compiler and validator share. `Docs/Formats/image.md` has the bytes.

/// The fixed part at the start of an image. All integers are little-endian.
enum ImageHeader {
    /// "LDSIMAGE".
    static let magic: UInt64 = 0x4547_414D_4953_444C
    static let version: UInt16 = 4
    static let byteCount = 512

    // Offsets of the fields.
    static let magicOffset = 0
    static let versionOffset = 8
    static let kindOffset = 10
    static let inputTypeOffset = 11
    static let accumulatorOffset = 12
    static let comparisonOffset = 13
    static let categoryRuleOffset = 14
    static let transformOffset = 15
    static let totalByteCountOffset = 16
    static let featureCountOffset = 24
    static let marginCountOffset = 28
    static let treeCountOffset = 32
    static let slotCountOffset = 36
    static let numericalSlotCountOffset = 40
    static let rankBitsOffset = 44
    static let slotBitsOffset = 45
    static let childBitsOffset = 46
    static let wordByteCountOffset = 47
    static let transformSlopeOffset = 48
    static let divisorOffset = 56
    static let artifactDigestOffset = 64
    static let categorySetCountOffset = 96
    static let scaleOffset = 100
    static let layerCountOffset = 108
    static let bufferCountOffset = 112
    /// The table has room for ``sectionLimit`` sections, 16 bytes each: offset and byte count, both UInt64.
    static let sectionTableOffset = 128
    static let sectionLimit = 24
}

/// What an image holds.
enum ImageKind: UInt8 {
    case forest = 1
    case linear = 2
    case factorizationMachine = 3
    case network = 4
    case graph = 5
}

/// The sections, in the order in which they lie in the image. Raw values are their places in the table.
enum ImageSection: Int, CaseIterable {
    /// Texts, each a UInt32 byte count and UTF-8: objective, source format, writer's version, then feature names.
    case texts = 0
    /// Float64: what each margin starts from; then, where sums get one, the bias of each.
    case starts = 1
    /// UInt32 pairs, one for each feature: its first threshold and how many it has.
    case features = 2
    /// Thresholds in the input type, rising strictly within a feature, in blocks of sixteen filled up with NaN.
    case thresholds = 3
    /// UInt32 pairs, one for each slot: feature and rule.
    case slots = 4
    /// Four UInt32 for each tree: first word, word count, margin, depth.
    case trees = 5
    /// Node words; or the weights of a linear model or a factorization machine in the accumulator type; or the constants of a
    /// network's layers.
    case words = 6
    /// Leaf values in the accumulator type, one beside each word.
    case values = 7
    /// UInt32 pairs, one for each category set: first word and word count; then the words of all sets.
    case categories = 8
    /// Levels of every sixteenth threshold, in the input type.
    case pivots = 9
    /// A network: records of 64 bytes for its layers, pairs of UInt32 for its buffers, and where its output lies.
    case layers = 10
    /// Float32: the factors of each feature, filled up with zeros to a multiple of eight.
    case factors = 11
    /// Splits of shallow trees as they are compared all at once, a byte each, and then leaf values in the accumulator type:
    /// ``ComparisonTable``.
    case comparisons = 12
    /// Ten UInt32 for each search among thresholds: ``SearchTable/Search``.
    case searches = 13
    /// UInt32: where the entries of each byte of each tree's leaves start, one more at the end.
    case scanStarts = 14
    /// UInt32: splits as a scan reads them: ``ScanTable``.
    case scanEntries = 15
    /// Leaf values in the accumulator type, tree by tree, from left to right.
    case scanValues = 16
    /// Tables from texts to numbers: feature names, and the categories of encoded features.
    case encoders = 17
    /// A graph for a library: the file as it was.
    case graph = 18
    /// Which columns hold categories, and the projections that numbers are computed by: ``ComputedTables``.
    case projections = 19
    /// Sixteen bytes for each part of the projections' hashes.
    case parts = 20
    /// Hash tables of the projections, twelve bytes a slot, and behind them what is computed, in float32.
    case tables = 21
    /// Texts like those of ``texts``: what each prediction of a row is the score of.
    case classLabels = 22
}
