import JSONReader
import ModelTypes
import Names

/// CatBoost's binary model, cbm: `CBM1`, the length of a FlatBuffers buffer, the buffer, and behind it parts that only models
/// with CTRs, texts or embeddings have. Of these the tables of CTRs are read, where a tree asks one.
///
/// Source: `catboost/libs/model/model.cpp` and `flatbuffers/{model,features,ctr_data}.fbs` of CatBoost 1.2; the numbers of fields are
/// their places in those tables.
enum CatBoostBinary {
    static func isFormat(_ cursor: ByteCursor) -> Bool { cursor.starts(with: "CBM1") }

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        var cursor = cursor
        try cursor.skip(4)
        let length = Int(try cursor.littleEndian(UInt32.self))
        let end = cursor.origin + cursor.count
        var reading = Reading(buffer: FlatBuffer(try cursor.slice(length)), limits: limits, offset: end)
        try reading.readAll()
        if let name = reading.partNames.first(where: { !CatBoostTables.partName.hasSameBytes(as: $0) }),
            reading.estimatedCount == 0
        {
            throw ModelFormatError(.unsupported("the part \(name.prefix(64)) of the model"), at: end)
        }
        guard !reading.partNames.isEmpty || cursor.remainingCount == 0 else {
            throw ModelFormatError(.unsupported("bytes behind the model"), at: cursor.offset)
        }
        if reading.asksStatistics {
            guard reading.partNames.first == CatBoostTables.partName else {
                throw ModelFormatError(.unsupported("statistics of categories beside the model"), at: end)
            }
            reading.draft.tables = try CatBoostTables.read(&cursor, &reading.combinations)
        }
        return try reading.draft.description(format: .catBoostBinary, limits: limits, offset: end)
    }

    private enum CoreField {
        static let version = 0, trees = 1, info = 2, partNames = 3
    }
    private enum TreesField {
        static let dimension = 0, splits = 1, sizes = 2, catFeatures = 4, floatFeatures = 5, oneHot = 6, ctrs = 7
        static let leafValues = 8, stepNodes = 10, leafIDs = 11, textFeatures = 12, estimated = 13, scale = 14
        static let bias = 15, biases = 16, embeddingFeatures = 18
    }

    private struct Reading {
        var buffer: FlatBuffer
        let limits: ModelLimits
        let offset: Int
        var draft = CatBoostDraft()
        /// What splits number: borders of features, then those of texts and embeddings, categories, and borders of statistics.
        var borders: [CatBoostDraft.Split] = []
        var estimatedCount = 0
        var categorySplits: [CatBoostDraft.Split] = []
        var statisticSplits: [CatBoostDraft.Split] = []
        private(set) var asksStatistics = false
        var combinations = CatBoostTables.Combinations()
        /// What lies behind the core, part by part.
        private(set) var partNames: [String] = []
        var leafValues: [Double] = []
        var dimension = 1

        init(buffer: FlatBuffer, limits: ModelLimits, offset: Int) {
            self.buffer = buffer
            self.limits = limits
            self.offset = offset
        }

        func refuse(_ what: String) -> ModelFormatError { ModelFormatError(.inconsistent(what), at: offset) }

        mutating func readAll() throws(ModelFormatError) {
            let core = try buffer.root(CatBoostSchema.core)
            if let version = try buffer.text(CoreField.version, of: core, limits: limits),
                !CatBoostSchema.version.hasSameBytes(as: version)
            {
                throw ModelFormatError(.unsupported("version \(version.prefix(64)) of cbm"), at: offset)
            }
            try readInfo(core)
            let parts = try buffer.elements(CoreField.partNames, of: core, width: 4)
            for index in 0..<parts.count { partNames.append(try buffer.text(index, in: parts, limits: limits)) }
            guard let trees = try buffer.table(CoreField.trees, of: core, CatBoostSchema.trees) else {
                throw ModelFormatError(.malformed("a model without trees"), at: offset)
            }
            try readFeatures(trees)
            dimension = Int(try buffer.value(TreesField.dimension, of: trees, as: Int32.self) ?? 0)
            guard dimension > 0, dimension <= limits.maxMarginCount else { throw refuse("the number of margins") }
            leafValues = try doubles(TreesField.leafValues, of: trees)
            draft.scale = try buffer.double(TreesField.scale, of: trees) ?? 1
            draft.biases = try doubles(TreesField.biases, of: trees)
            if draft.biases.isEmpty { draft.biases = [try buffer.double(TreesField.bias, of: trees) ?? 0] }
            try readTrees(trees)
        }

        private mutating func doubles(_ field: Int, of table: FlatBuffer.Table) throws(ModelFormatError) -> [Double] {
            try buffer.values(field, of: table, as: UInt64.self).map { Double(bitPattern: $0) }
        }

        // MARK: Info

        /// The loss is in the parameters of the training, which are JSON.
        private mutating func readInfo(_ core: FlatBuffer.Table) throws(ModelFormatError) {
            let entries = try buffer.elements(CoreField.info, of: core, width: 4)
            for index in 0..<entries.count {
                let entry = try buffer.table(index, in: entries, CatBoostSchema.entry)
                let key = try buffer.text(0, of: entry, limits: limits)
                guard key == "params" || key == "catboost_version_info" else { continue }
                let text = try buffer.text(1, of: entry, limits: limits) ?? ""
                if key == "params" {
                    draft.loss = try loss(inParameters: text)
                } else {
                    draft.writerVersion = CatBoostVersion.text(in: text)
                }
            }
        }

        private func loss(inParameters text: String) throws(ModelFormatError) -> String? {
            guard !text.isEmpty else { return nil }
            var loss: String?
            do throws(ModelFormatError) {
                try JSONReader.read(
                    Array(text.utf8).span,
                    rules: JSONRules(maxStringBytes: limits.maxStringBytes, allowsNonFinite: true)
                ) { (json) throws(ModelFormatError) in
                    try CatBoostDocument.readParameters(&json, &loss)
                }
            } catch { throw ModelFormatError(error.reason, at: offset) }
            return loss
        }

        // MARK: Features

        private mutating func readFeatures(_ trees: FlatBuffer.Table) throws(ModelFormatError) {
            let floats = try buffer.elements(TreesField.floatFeatures, of: trees, width: 4)
            for index in 0..<floats.count {
                let table = try buffer.table(index, in: floats, CatBoostSchema.floatFeature)
                var feature = CatBoostDraft.FloatFeature()
                feature.hasNaNs = try buffer.value(0, of: table, as: UInt8.self) ?? 0 != 0
                feature.index = Int(try buffer.value(1, of: table, as: Int32.self) ?? -1)
                feature.flatIndex = Int(try buffer.value(2, of: table, as: Int32.self) ?? -1)
                feature.name = try buffer.text(4, of: table, limits: limits) ?? ""
                switch try buffer.value(5, of: table, as: UInt8.self) ?? 0 {
                case 0, 1: feature.isNaNGreatest = false
                case 2: feature.isNaNGreatest = true
                default: throw refuse("what a feature makes of NaN")
                }
                for bits in try buffer.values(3, of: table, as: UInt32.self) {
                    borders.append(.above(feature: feature.index, border: Float(bitPattern: bits)))
                }
                draft.features.append(feature)
                draft.columns.append((feature.flatIndex, feature.name))
            }
            let categories = try buffer.elements(TreesField.catFeatures, of: trees, width: 4)
            for index in 0..<categories.count {
                let table = try buffer.table(index, in: categories, CatBoostSchema.categoryFeature)
                var feature = CatBoostDraft.CategoryFeature()
                feature.index = Int(try buffer.value(0, of: table, as: Int32.self) ?? -1)
                feature.flatIndex = Int(try buffer.value(1, of: table, as: Int32.self) ?? -1)
                feature.name = try buffer.text(2, of: table, limits: limits) ?? ""
                draft.categories.append(feature)
                draft.columns.append((feature.flatIndex, feature.name))
            }
            for field in [TreesField.textFeatures, TreesField.embeddingFeatures] {
                let others = try buffer.elements(field, of: trees, width: 4)
                for index in 0..<others.count {
                    let table = try buffer.table(index, in: others, CatBoostSchema.otherFeature)
                    let flatIndex = Int(try buffer.value(1, of: table, as: Int32.self) ?? -1)
                    draft.columns.append((flatIndex, try buffer.text(2, of: table, limits: limits) ?? ""))
                }
            }
            let estimated = try buffer.elements(TreesField.estimated, of: trees, width: 4)
            for index in 0..<estimated.count {
                let table = try buffer.table(index, in: estimated, CatBoostSchema.estimatedFeature)
                estimatedCount += try buffer.elements(3, of: table, width: 4).count
            }
            let oneHot = try buffer.elements(TreesField.oneHot, of: trees, width: 4)
            for index in 0..<oneHot.count {
                let table = try buffer.table(index, in: oneHot, CatBoostSchema.oneHotFeature)
                let feature = Int(try buffer.value(0, of: table, as: Int32.self) ?? -1)
                for category in try buffer.values(1, of: table, as: UInt32.self) {
                    categorySplits.append(.category(feature: feature, category: category))
                }
            }
            let statistics = try buffer.elements(TreesField.ctrs, of: trees, width: 4)
            for index in 0..<statistics.count {
                let table = try buffer.table(index, in: statistics, CatBoostSchema.statistic)
                let statistic = try CatBoostTables.statistic(table, &buffer, &combinations, offset: offset)
                for border in statistic.borders {
                    statisticSplits.append(.statistic(number: draft.statistics.count, border: border))
                }
                draft.statistics.append(statistic)
            }
        }

        private mutating func split(_ number: Int32) throws(ModelFormatError) -> CatBoostDraft.Split {
            guard number >= 0 else { throw refuse("a split's number") }
            var number = Int(number)
            if number < borders.count { return borders[number] }
            number -= borders.count
            guard number >= estimatedCount else { throw CatBoostRefusal.estimated(at: offset) }
            number -= estimatedCount
            if number < categorySplits.count { return categorySplits[number] }
            number -= categorySplits.count
            guard number < statisticSplits.count else { throw refuse("a split's number") }
            asksStatistics = true
            return statisticSplits[number]
        }

        // MARK: Trees

        private mutating func readTrees(_ trees: FlatBuffer.Table) throws(ModelFormatError) {
            let sizes = try buffer.values(TreesField.sizes, of: trees, as: Int32.self)
            let splits = try buffer.values(TreesField.splits, of: trees, as: Int32.self)
            // Two differences of 16 bits: to the left and to the right.
            let steps = try buffer.values(TreesField.stepNodes, of: trees, as: UInt32.self)
            let leafIDs = try buffer.values(TreesField.leafIDs, of: trees, as: UInt32.self)
            guard sizes.count <= limits.maxTreeCount else { throw ModelFormatError(.tooLarge("trees"), at: offset) }
            guard steps.isEmpty || steps.count == splits.count && leafIDs.count == splits.count else {
                throw refuse("nodes, splits and leaves differ in number")
            }
            var first = 0
            var firstValue = 0
            for size in sizes {
                guard size >= 0, Int(size) <= splits.count - first else { throw refuse("a tree's size") }
                let range = first..<first + Int(size)
                let tree =
                    steps.isEmpty
                    ? try oblivious(splits[range], &firstValue)
                    : try steppedTree(splits[range], steps[range], leafIDs[range], &firstValue)
                draft.trees.append(tree)
                first = range.upperBound
            }
        }

        private mutating func oblivious(
            _ splits: ArraySlice<Int32>, _ firstValue: inout Int
        ) throws(ModelFormatError) -> CatBoostDraft.Tree {
            guard splits.count < 31, (1 << splits.count) * dimension <= leafValues.count - firstValue else {
                throw refuse("leaf values")
            }
            var tree = CatBoostDraft.Tree()
            for number in splits { tree.splits.append(try split(number)) }
            let count = (1 << splits.count) * dimension
            tree.leaves = Array(leafValues[firstValue..<firstValue + count])
            firstValue += count
            return tree
        }

        /// A node leads left and right by so many nodes; where it leads by none, the walk ends with the node's own leaf.
        ///
        /// - Parameter valueCount: How many leaf values have been taken; each is taken once at most.
        private mutating func steppedTree(
            _ splits: ArraySlice<Int32>, _ steps: ArraySlice<UInt32>, _ leafIDs: ArraySlice<UInt32>,
            _ valueCount: inout Int
        ) throws(ModelFormatError) -> CatBoostDraft.Tree {
            var tree = CatBoostDraft.Tree()
            tree.isOblivious = false
            tree.nodes = Array(repeating: CatBoostDraft.Node(), count: splits.count)
            func appendLeaf(_ position: Int) throws(ModelFormatError) -> CatBoostDraft.Node {
                let start = Int(leafIDs[leafIDs.startIndex + position])
                guard start <= leafValues.count, dimension <= leafValues.count - start,
                    valueCount + dimension <= leafValues.count
                else { throw refuse("leaf values") }
                valueCount += dimension
                tree.leaves += leafValues[start..<start + dimension]
                return CatBoostDraft.Node(firstValue: tree.leaves.count - dimension)
            }
            for position in 0..<splits.count {
                let step = steps[steps.startIndex + position]
                let differences = [Int(step & 0xFFFF), Int(step >> 16)]
                if step == 0 {
                    tree.nodes[position] = try appendLeaf(position)
                    continue
                }
                var children: [Int32] = []
                for difference in differences {
                    if difference == 0 {
                        tree.nodes.append(try appendLeaf(position))
                        children.append(Int32(truncatingIfNeeded: tree.nodes.count - 1))
                    } else {
                        guard position + difference < splits.count else { throw refuse("a step out of its tree") }
                        children.append(Int32(truncatingIfNeeded: position + difference))
                    }
                }
                tree.splits.append(try split(splits[splits.startIndex + position]))
                tree.nodes[position] = CatBoostDraft.Node(
                    left: children[0], right: children[1], split: Int32(truncatingIfNeeded: tree.splits.count - 1))
            }
            return tree
        }
    }
}

/// The version of CatBoost, which it writes among other facts of its build.
enum CatBoostVersion {
    /// Of a text with a line such as `Branch: tags/v1.2.10`: 1.2.10.
    static func text(in facts: String) -> String {
        for line in facts.pieces(at: "\n").map({ $0.strippingBlanks() }) {
            let words = line.pieces(at: " ").filter { !$0.isEmpty }
            guard words.count == 2, words[0] == "Branch:" else { continue }
            let name = words[1].pieces(at: "/").last ?? ""
            return String(name.hasBytePrefix("v") ? name.dropFirst() : name)
        }
        return ""
    }
}
