import JSONReader
import ModelTypes
import Names

/// CatBoost's JSON; keys come in any order. ``CatBoostKeys`` has them, and any other is refused.
///
/// Source: `catboost/libs/model/model_export/json_model_helpers.cpp` of CatBoost 1.2.
enum CatBoostDocument {
    /// Trees that are not oblivious nest as deep as they are; the library grows them to 16 levels by default.
    private static let maxDepth = 192

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        var draft = CatBoostDraft()
        var statistics = CatBoostDocumentStatistics()
        let rules = JSONRules(maxDepth: maxDepth, maxStringBytes: limits.maxStringBytes, allowsNonFinite: true)
        try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try unsafe JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
                try json.eachKey(of: CatBoostKeys.Document.self, at: "") { (json, key) throws(ModelFormatError) in
                    switch key {
                    case .information: try readInfo(&json, &draft)
                    case .features: try readFeatures(&json, &draft, &statistics, limits: limits)
                    case .tables: try statistics.readTables(&json)
                    case .obliviousTrees:
                        try readTrees(&json, &draft, limits: limits) { (json, tree, number) throws(ModelFormatError) in
                            try readOblivious(&json, &tree, at: "\(key.rawValue)[\(number)]")
                        }
                    case .trees:
                        try readTrees(&json, &draft, limits: limits) { (json, tree, number) throws(ModelFormatError) in
                            tree.isOblivious = false
                            _ = try readNode(&json, &tree, at: "\(key.rawValue)[\(number)]")
                        }
                    case .scale: try readScale(&json, &draft)
                    }
                }
                try json.takeEnd()
            }
        }
        let end = cursor.origin + cursor.count
        try statistics.complete(&draft, offset: end)
        return try draft.description(format: .catBoostJSON, limits: limits, offset: end)
    }

    // MARK: Info

    /// Whatever the library knows of itself and the training; the loss says what predictions are, the rest is passed over as a whole.
    private static func readInfo(_ json: inout JSONReader, _ draft: inout CatBoostDraft) throws(ModelFormatError) {
        try json.eachKey { (json, key) throws(ModelFormatError) in
            switch key {
            case "params": try readParameters(&json, &draft.loss)
            case "catboost_version_info": draft.writerVersion = CatBoostVersion.text(in: try json.takeString())
            default: try json.skip()
            }
        }
    }

    /// `{"loss_function": {"type": "Logloss", "params": {…}}, …}`.
    static func readParameters(_ json: inout JSONReader, _ loss: inout String?) throws(ModelFormatError) {
        guard try json.takeKind() == .object else { return try json.skip() }
        try json.eachKey { (json, key) throws(ModelFormatError) in
            guard key == "loss_function" else { return try json.skip() }
            if try json.takeKind() == .string {
                loss = try json.takeString()
                return
            }
            try json.eachKey { (json, key) throws(ModelFormatError) in
                if key == "type" { loss = try json.takeString() } else { try json.skip() }
            }
        }
    }

    /// `[scale, [bias, …]]`, in old files `[scale, bias]`.
    private static func readScale(_ json: inout JSONReader, _ draft: inout CatBoostDraft) throws(ModelFormatError) {
        var position = 0
        try json.enterArray()
        while try json.takeElement() {
            switch position {
            case 0: draft.scale = try json.takeDouble()
            case 1: draft.biases = try json.takeDoubles()
            default:
                throw ModelFormatError(.unsupported("more than two numbers in scale_and_bias"), at: json.documentOffset)
            }
            position += 1
        }
    }

    // MARK: Features

    private static func readFeatures(
        _ json: inout JSONReader, _ draft: inout CatBoostDraft, _ statistics: inout CatBoostDocumentStatistics,
        limits: ModelLimits
    ) throws(ModelFormatError) {
        try json.eachKey(of: CatBoostKeys.Features.self, at: "features_info") { (json, key) throws(ModelFormatError) in
            if key == .statistics { return try statistics.readDefinitions(&json) }
            guard try json.takeKind() == .array else { return try skipNull(&json, key.rawValue) }
            try json.enterArray()
            while try json.takeElement() {
                guard draft.columns.count < limits.maxFeatureCount else {
                    throw ModelFormatError(.tooLarge("features"), at: json.documentOffset)
                }
                // Of texts and embeddings no more is needed than that they are columns.
                let isRead = key == .numbers || key == .categories
                let (feature, borderCount, values) = try readFeature(&json, isRead ? key : nil)
                if key == .numbers {
                    draft.features.append(feature)
                    statistics.borderCount += borderCount
                }
                if key == .categories {
                    draft.categories.append(
                        CatBoostDraft.CategoryFeature(
                            index: feature.index, flatIndex: feature.flatIndex, name: feature.name, values: values))
                    statistics.borderCount += values.count
                }
                draft.columns.append((feature.flatIndex, feature.name))
            }
        }
    }

    /// The library writes null for nothing.
    static func skipNull(_ json: inout JSONReader, _ key: String) throws(ModelFormatError) {
        guard try json.takeNull() else { throw ModelFormatError(.malformed(key), at: json.documentOffset) }
    }

    /// - Parameter kind: What features it is among; nil where no more is read than which column it is.
    private static func readFeature(
        _ json: inout JSONReader, _ kind: CatBoostKeys.Features?
    ) throws(ModelFormatError) -> (CatBoostDraft.FloatFeature, borderCount: Int, values: [UInt32]) {
        var feature = CatBoostDraft.FloatFeature()
        var borderCount = 0
        var values: [UInt32] = []
        guard let kind else {
            try json.eachKey { (json, key) throws(ModelFormatError) in
                switch CatBoostKeys.Feature(bytesOf: key) {
                case .flatIndex: feature.flatIndex = try json.takeInt()
                case .name: feature.name = try json.takeString()
                default: try json.skip()
                }
            }
            return (feature, 0, [])
        }
        let place = "features_info.\(kind.rawValue)[]"
        try json.eachKey(of: CatBoostKeys.Feature.self, at: place) { (json, key) throws(ModelFormatError) in
            switch key {
            case .index: feature.index = try json.takeInt()
            case .flatIndex: feature.flatIndex = try json.takeInt()
            case .name: feature.name = try json.takeString()
            case .hasNaNs: feature.hasNaNs = try json.takeFlag()
            case .treatmentOfNaN: feature.isNaNGreatest = try isNaNGreatest(&json)
            case .borders:
                guard try json.takeKind() == .array else { return try skipNull(&json, key.rawValue) }
                borderCount = try json.takeFloats().count
            case .values:
                guard try json.takeKind() == .array else { return try skipNull(&json, key.rawValue) }
                try json.enterArray()
                while try json.takeElement() { values.append(try takeCategory(&json)) }
            }
        }
        return (feature, borderCount, values)
    }

    private static func isNaNGreatest(_ json: inout JSONReader) throws(ModelFormatError) -> Bool {
        switch try json.takeString() {
        case "AsIs", "AsFalse": return false
        case "AsTrue": return true
        default: throw ModelFormatError(.malformed("nan_value_treatment"), at: json.documentOffset)
        }
    }

    /// A category's hash, which is written as a signed number of 32 bits.
    static func takeCategory(_ json: inout JSONReader) throws(ModelFormatError) -> UInt32 {
        let value = try json.takeInt()
        guard value >= Int(Int32.min), value <= Int(UInt32.max) else {
            throw ModelFormatError(.malformed("the hash of a category"), at: json.documentOffset)
        }
        return UInt32(truncatingIfNeeded: value)
    }

    // MARK: Trees

    private static func readTrees(
        _ json: inout JSONReader, _ draft: inout CatBoostDraft, limits: ModelLimits,
        _ read: (inout JSONReader, inout CatBoostDraft.Tree, Int) throws(ModelFormatError) -> Void
    ) throws(ModelFormatError) {
        try json.enterArray()
        while try json.takeElement() {
            guard draft.trees.count < limits.maxTreeCount else {
                throw ModelFormatError(.tooLarge("trees"), at: json.documentOffset)
            }
            var tree = CatBoostDraft.Tree()
            try read(&json, &tree, draft.trees.count)
            draft.trees.append(tree)
        }
    }

    private static func readOblivious(
        _ json: inout JSONReader, _ tree: inout CatBoostDraft.Tree, at place: String
    ) throws(ModelFormatError) {
        try json.eachKey(of: CatBoostKeys.ObliviousTree.self, at: place) { (json, key) throws(ModelFormatError) in
            switch key {
            case .leaves: tree.leaves = try json.takeDoubles()
            case .splits:
                // A tree of one leaf has null.
                guard try json.takeKind() == .array else { return try skipNull(&json, key.rawValue) }
                try json.enterArray()
                while try json.takeElement() { tree.splits.append(try readSplit(&json, at: "\(place).splits[]")) }
            }
        }
        guard tree.splits.count < 31 else {
            throw ModelFormatError(.tooLarge("splits of a tree"), at: json.documentOffset)
        }
    }

    /// Reads a node and all below it, no deeper than the JSON reader allows, and answers its number.
    ///
    /// - Parameter place: The keys that lead to the tree: those that lead on to the node would grow with its depth.
    private static func readNode(
        _ json: inout JSONReader, _ tree: inout CatBoostDraft.Tree, at place: String
    ) throws(ModelFormatError) -> Int32 {
        let number = tree.nodes.count
        tree.nodes.append(CatBoostDraft.Node())
        var node = CatBoostDraft.Node()
        var known = KnownKeys<CatBoostKeys.Node>()
        try json.enterObject()
        while let key = try json.takeKey() {
            switch try known.take(key, at: place, offset: json.documentOffset) {
            case .split:
                tree.splits.append(try readSplit(&json, at: "\(place).split"))
                node.split = Int32(truncatingIfNeeded: tree.splits.count - 1)
            case .left: node.left = try readNode(&json, &tree, at: place)
            case .right: node.right = try readNode(&json, &tree, at: place)
            case .value:
                node.firstValue = tree.leaves.count
                tree.leaves += try json.takeDoubles()
            case nil: try json.skip()
            }
        }
        guard node.split >= 0 ? node.left > 0 && node.right > 0 && node.firstValue < 0 : node.firstValue >= 0 else {
            throw ModelFormatError(.inconsistent("a node is neither split nor leaf"), at: json.documentOffset)
        }
        tree.nodes[number] = node
        return Int32(truncatingIfNeeded: number)
    }

    private static func readSplit(
        _ json: inout JSONReader, at place: String
    ) throws(ModelFormatError) -> CatBoostDraft.Split {
        var (feature, border, category, index) = (-1, Float.nan, UInt32(0), -1)
        var type = "FloatFeature"
        try json.eachKey(of: CatBoostKeys.Split.self, at: place) { (json, key) throws(ModelFormatError) in
            switch key {
            case .number, .category: feature = try json.takeInt()
            case .border: border = try json.takeFloat()
            case .value: category = try takeCategory(&json)
            case .index: index = try json.takeInt()
            case .kind: type = try json.takeString()
            }
        }
        switch type {
        case "FloatFeature": return .above(feature: feature, border: border)
        case "OneHotFeature": return .category(feature: feature, category: category)
        // Which statistic it is, only the split's number among all splits says.
        case "OnlineCtr": return .statistic(number: index, border: border)
        case "EstimatedFeature": throw CatBoostRefusal.estimated(at: json.documentOffset)
        default: throw ModelFormatError(.unsupported("split_type \(type.prefix(64))"), at: json.documentOffset)
        }
    }
}

/// What splits may ask that is not served: it needs the text of a document or an embedding.
enum CatBoostRefusal {
    static func estimated(at offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("features estimated from texts or embeddings"), at: offset)
    }
}
