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

    /// - Parameter position: The tree's place in the file, its number where it states none.
    init<Reader: DocumentReader & ~Copyable>(_ reader: inout Reader, position: Int) throws(ModelFormatError) {
        id = position
        var leafVectorSize = 0
        try reader.enterObject()
        while let key = try reader.takeKey() {
            switch key {
            case "id": id = try reader.takeInt()
            case "left_children": leftChildren = try reader.takeInts()
            case "right_children": rightChildren = try reader.takeInts()
            case "split_indices": splitFeatures = try reader.takeInts()
            case "split_conditions": splitConditions = try reader.takeFloats()
            case "default_left": defaultsLeft = try reader.takeFlags()
            case "split_type": splitTypes = try reader.takeInts()
            case "categories": categories = try reader.takeInts()
            case "categories_nodes": categoryNodes = try reader.takeInts()
            case "categories_segments": categorySegments = try reader.takeInts()
            case "categories_sizes": categorySizes = try reader.takeInts()
            case "tree_param":
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    if key == "size_leaf_vector" {
                        leafVectorSize = try reader.takeQuotedInt()
                    } else {
                        try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
        guard leafVectorSize <= 1 else {
            throw ModelFormatError(.unsupported("trees with a vector in each leaf"), at: reader.documentOffset)
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
