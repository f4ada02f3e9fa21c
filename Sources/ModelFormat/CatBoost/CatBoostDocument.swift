import JSONReader
import ModelTypes
import Names

/// CatBoost's JSON. Unknown keys are skipped; keys come in any order.
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
                try json.eachKey { (json, key) throws(ModelFormatError) in
                    switch key {
                    case "model_info": try readInfo(&json, &draft)
                    case "features_info": try readFeatures(&json, &draft, &statistics, limits: limits)
                    case "ctr_data": try statistics.readTables(&json)
                    case "oblivious_trees":
                        try readTrees(&json, &draft, limits: limits) { (json, tree) throws(ModelFormatError) in
                            try readOblivious(&json, &tree)
                        }
                    case "trees":
                        try readTrees(&json, &draft, limits: limits) { (json, tree) throws(ModelFormatError) in
                            tree.isOblivious = false
                            _ = try readNode(&json, &tree)
                        }
                    case "scale_and_bias": try readScale(&json, &draft)
                    default: try json.skip()
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
            default: try json.skip()
            }
            position += 1
        }
    }

    // MARK: Features

    private static func readFeatures(
        _ json: inout JSONReader, _ draft: inout CatBoostDraft, _ statistics: inout CatBoostDocumentStatistics,
        limits: ModelLimits
    ) throws(ModelFormatError) {
        try json.eachKey { (json, key) throws(ModelFormatError) in
            if key == "ctrs" { return try statistics.readDefinitions(&json) }
            guard key.hasByteSuffix("_features"), try json.takeKind() == .array else { return try json.skip() }
            try json.enterArray()
            while try json.takeElement() {
                guard draft.columns.count < limits.maxFeatureCount else {
                    throw ModelFormatError(.tooLarge("features"), at: json.documentOffset)
                }
                let (feature, borderCount, values) = try readFeature(&json)
                if key == "float_features" {
                    draft.features.append(feature)
                    statistics.borderCount += borderCount
                }
                if key == "categorical_features" {
                    draft.categories.append(
                        CatBoostDraft.CategoryFeature(
                            index: feature.index, flatIndex: feature.flatIndex, name: feature.name, values: values))
                    statistics.borderCount += values.count
                }
                draft.columns.append((feature.flatIndex, feature.name))
            }
        }
    }

    private static func readFeature(
        _ json: inout JSONReader
    ) throws(ModelFormatError) -> (CatBoostDraft.FloatFeature, borderCount: Int, values: [UInt32]) {
        var feature = CatBoostDraft.FloatFeature()
        var borderCount = 0
        var values: [UInt32] = []
        try json.eachKey { (json, key) throws(ModelFormatError) in
            switch key {
            case "feature_index": feature.index = try json.takeInt()
            case "flat_feature_index": feature.flatIndex = try json.takeInt()
            case "feature_id": feature.name = try json.takeString()
            case "has_nans": feature.hasNaNs = try json.takeFlag()
            case "nan_value_treatment":
                switch try json.takeString() {
                case "AsIs", "AsFalse": feature.isNaNGreatest = false
                case "AsTrue": feature.isNaNGreatest = true
                default: throw ModelFormatError(.malformed("nan_value_treatment"), at: json.documentOffset)
                }
            case "borders" where try json.takeKind() == .array: borderCount = try json.takeFloats().count
            case "values" where try json.takeKind() == .array:
                try json.enterArray()
                while try json.takeElement() { values.append(try takeCategory(&json)) }
            default: try json.skip()
            }
        }
        return (feature, borderCount, values)
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
        _ read: (inout JSONReader, inout CatBoostDraft.Tree) throws(ModelFormatError) -> Void
    ) throws(ModelFormatError) {
        try json.enterArray()
        while try json.takeElement() {
            guard draft.trees.count < limits.maxTreeCount else {
                throw ModelFormatError(.tooLarge("trees"), at: json.documentOffset)
            }
            var tree = CatBoostDraft.Tree()
            try read(&json, &tree)
            draft.trees.append(tree)
        }
    }

    private static func readOblivious(
        _ json: inout JSONReader, _ tree: inout CatBoostDraft.Tree
    ) throws(ModelFormatError) {
        try json.eachKey { (json, key) throws(ModelFormatError) in
            switch key {
            case "leaf_values": tree.leaves = try json.takeDoubles()
            case "splits":
                // A tree of one leaf has null.
                guard try json.takeKind() == .array else { return try json.skip() }
                try json.enterArray()
                while try json.takeElement() { tree.splits.append(try readSplit(&json)) }
            default: try json.skip()
            }
        }
        guard tree.splits.count < 31 else {
            throw ModelFormatError(.tooLarge("splits of a tree"), at: json.documentOffset)
        }
    }

    /// Reads a node and all below it, no deeper than the JSON reader allows, and answers its number.
    private static func readNode(
        _ json: inout JSONReader, _ tree: inout CatBoostDraft.Tree
    ) throws(ModelFormatError) -> Int32 {
        let number = tree.nodes.count
        tree.nodes.append(CatBoostDraft.Node())
        var node = CatBoostDraft.Node()
        try json.enterObject()
        while let key = try json.takeKey() {
            switch key {
            case "split":
                tree.splits.append(try readSplit(&json))
                node.split = Int32(truncatingIfNeeded: tree.splits.count - 1)
            case "left": node.left = try readNode(&json, &tree)
            case "right": node.right = try readNode(&json, &tree)
            case "value":
                node.firstValue = tree.leaves.count
                tree.leaves += try json.takeDoubles()
            default: try json.skip()
            }
        }
        guard node.split >= 0 ? node.left > 0 && node.right > 0 && node.firstValue < 0 : node.firstValue >= 0 else {
            throw ModelFormatError(.inconsistent("a node is neither split nor leaf"), at: json.documentOffset)
        }
        tree.nodes[number] = node
        return Int32(truncatingIfNeeded: number)
    }

    private static func readSplit(_ json: inout JSONReader) throws(ModelFormatError) -> CatBoostDraft.Split {
        var (feature, border, category, index) = (-1, Float.nan, UInt32(0), -1)
        var type = "FloatFeature"
        try json.eachKey { (json, key) throws(ModelFormatError) in
            switch key {
            case "float_feature_index", "cat_feature_index": feature = try json.takeInt()
            case "border": border = try json.takeFloat()
            case "value": category = try takeCategory(&json)
            case "split_index": index = try json.takeInt()
            case "split_type": type = try json.takeString()
            default: try json.skip()
            }
        }
        switch type {
        case "FloatFeature": return .above(feature: feature, border: border)
        case "OneHotFeature": return .category(feature: feature, category: category)
        // Which statistic it is, only the split's number among all splits says.
        case "OnlineCtr": return .statistic(number: index, border: border)
        default: throw CatBoostRefusal.estimated(at: json.documentOffset)
        }
    }
}

/// What splits may ask that is not served: it needs the text of a document or an embedding.
enum CatBoostRefusal {
    static func estimated(at offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("features estimated from texts or embeddings"), at: offset)
    }
}
