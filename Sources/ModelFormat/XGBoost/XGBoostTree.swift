import ModelTypes

/// One tree of an XGBoost document: arrays with an entry for each node.
struct XGBoostTree {
    private(set) var id: Int
    private var leftChildren: [Int] = []
    private var rightChildren: [Int] = []
    private var splitFeatures: [Int] = []
    /// Thresholds of splits and values of leaves.
    private var splitConditions: [Float] = []
    private var defaultsLeft: [Bool] = []
    private var splitTypes: [Int] = []
    private var categories: [Int] = []
    private var categoryNodes: [Int] = []
    private var categorySegments: [Int] = []
    private var categorySizes: [Int] = []

    /// - Parameters:
    ///   - place: The keys that lead to the tree, for refusals.
    ///   - position: The tree's place in the file, its number where it states none.
    init<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, at place: String, position: Int
    ) throws(ModelFormatError) {
        id = position
        var known = KnownKeys<XGBoostKeys.Tree>()
        try reader.enterObject()
        while let key = try reader.takeKey() {
            guard let key = try known.take(key, at: place, offset: reader.documentOffset) else {
                try reader.skip()
                continue
            }
            switch key {
            case .id: id = try reader.takeInt()
            case .leftChildren: leftChildren = try reader.takeInts()
            case .rightChildren: rightChildren = try reader.takeInts()
            case .splitFeatures: splitFeatures = try reader.takeInts()
            case .splitConditions: splitConditions = try reader.takeFloats()
            case .defaultsLeft: defaultsLeft = try reader.takeFlags()
            case .splitTypes: splitTypes = try reader.takeInts()
            case .categories: categories = try reader.takeInts()
            case .categoryNodes: categoryNodes = try reader.takeInts()
            case .categorySegments: categorySegments = try reader.takeInts()
            case .categorySizes: categorySizes = try reader.takeInts()
            case .leafVectors: try Self.checkLeaf(size: .max, at: reader.documentOffset)
            case .parameters:
                try reader.eachKey(of: XGBoostKeys.TreeParameter.self, at: "\(place).\(key.rawValue)") {
                    (reader, key) throws(ModelFormatError) in
                    try Self.checkLeaf(size: try reader.takeQuotedInt(), at: reader.documentOffset)
                }
            }
        }
    }

    /// A leaf has one number; old files say 0.
    static func checkLeaf(size: Int, at offset: Int) throws(ModelFormatError) {
        guard size <= 1 else {
            throw ModelFormatError(.unsupported("trees with a vector in each leaf"), at: offset)
        }
    }

    /// The tree's nodes; the category sets of its splits are added to `sets`.
    func assembled(_ sets: inout CategorySets, offset: Int) throws(ModelFormatError) -> [TreeNode] {
        let count = leftChildren.count
        guard rightChildren.count == count, splitFeatures.count == count, splitConditions.count == count,
            defaultsLeft.count == count, splitTypes.isEmpty || splitTypes.count == count
        else { throw ModelFormatError(.inconsistent("a tree's arrays differ in length"), at: offset) }
        let setOfNode = try categorySets(&sets, nodeCount: count, offset: offset)
        return try TreeAssembler.assemble(nodeCount: count, offset: offset) { (number) throws(ModelFormatError) in
            guard let left = Int32(exactly: leftChildren[number]), let right = Int32(exactly: rightChildren[number]),
                let feature = Int32(exactly: splitFeatures[number])
            else { throw ModelFormatError(.inconsistent("a number beyond 32 bits"), at: offset) }
            if left == -1 { return .leaf(Double(splitConditions[number])) }
            let missing: MissingRule = defaultsLeft[number] ? .nanLeft : .nanRight
            if !splitTypes.isEmpty, splitTypes[number] == 1 {
                guard let set = setOfNode[number] else {
                    throw ModelFormatError(.inconsistent("a categorical split without categories"), at: offset)
                }
                return .categorical(feature: feature, set: set, missing: missing, left: left, right: right)
            }
            return .numerical(
                feature: feature, threshold: Double(splitConditions[number]), missing: missing, left: left, right: right
            )
        }
    }

    /// Which set belongs to which node.
    private func categorySets(
        _ sets: inout CategorySets, nodeCount: Int, offset: Int
    ) throws(ModelFormatError) -> [Int: Int32] {
        guard categoryNodes.count == categorySegments.count, categoryNodes.count == categorySizes.count else {
            throw ModelFormatError(.inconsistent("a tree's categories"), at: offset)
        }
        var setOfNode: [Int: Int32] = [:]
        for (index, node) in categoryNodes.enumerated() {
            let (start, size) = (categorySegments[index], categorySizes[index])
            guard start >= 0, size > 0, start <= categories.count, size <= categories.count - start else {
                throw ModelFormatError(.inconsistent("a split's categories"), at: offset)
            }
            setOfNode[node] = try sets.add(categories[start..<start + size], offset: offset)
        }
        return setOfNode
    }
}
