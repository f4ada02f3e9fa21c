import JSONReader
import ModelTypes

/// CatBoost's JSON. Unknown keys are skipped; keys come in any order.
///
/// Source: `catboost/libs/model/model_export/json_model_helpers.cpp` of CatBoost 1.2.
enum CatBoostDocument {
    /// Trees that are not oblivious nest as deep as they are; the library grows them to 16 levels by default.
    private static let maxDepth = 192

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        var draft = CatBoostDraft()
        let rules = JSONRules(maxDepth: maxDepth, maxStringBytes: limits.maxStringBytes, allowsNonFinite: true)
        try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try unsafe JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
                try json.eachKey { (json, key) throws(ModelFormatError) in
                    switch key {
                    case "model_info": try readInfo(&json, &draft)
                    case "features_info": try readFeatures(&json, &draft, limits: limits)
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
        return try draft.description(format: .catBoostJSON, limits: limits, offset: cursor.origin + cursor.count)
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
        _ json: inout JSONReader, _ draft: inout CatBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try json.eachKey { (json, key) throws(ModelFormatError) in
            let isFloat = key == "float_features"
            guard key.hasSuffix("_features"), try json.takeKind() == .array else { return try json.skip() }
            try json.enterArray()
            while try json.takeElement() {
                guard draft.columns.count < limits.maxFeatureCount else {
                    throw ModelFormatError(.tooLarge("features"), at: json.documentOffset)
                }
                let feature = try readFeature(&json)
                if isFloat { draft.features.append(feature) }
                draft.columns.append((feature.flatIndex, feature.name))
            }
        }
    }

    private static func readFeature(_ json: inout JSONReader) throws(ModelFormatError) -> CatBoostDraft.FloatFeature {
        var feature = CatBoostDraft.FloatFeature()
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
            default: try json.skip()
            }
        }
        return feature
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
        var split = CatBoostDraft.Split(feature: -1, border: .nan)
        try json.eachKey { (json, key) throws(ModelFormatError) in
            switch key {
            case "float_feature_index": split.feature = try json.takeInt()
            case "border": split.border = try json.takeFloat()
            case "split_type":
                switch try json.takeString() {
                case "FloatFeature": break
                case "OneHotFeature": throw CatBoostRefusal.oneHot(at: json.documentOffset)
                case "OnlineCtr": throw CatBoostRefusal.ctr(at: json.documentOffset)
                default: throw CatBoostRefusal.estimated(at: json.documentOffset)
                }
            default: try json.skip()
            }
        }
        return split
    }
}

/// What splits may ask that is not served: it needs the text of a category, a document or an embedding.
enum CatBoostRefusal {
    static func oneHot(at offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("one-hot splits of categorical columns"), at: offset)
    }
    static func ctr(at offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("CTR features of categorical columns"), at: offset)
    }
    static func estimated(at offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("features estimated from texts or embeddings"), at: offset)
    }
}
