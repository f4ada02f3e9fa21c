import JSONReader
import ModelTypes
import Names

/// XGBoost's document, the same in JSON and UBJSON.
///
/// Source: `doc/model.schema` and the `LoadModel` functions of XGBoost 3.2.0. Unknown keys are skipped.
enum XGBoostDocument {
    /// Reads `{"learner": …, "version": …}`, or a snapshot `{"Model": {…}, "Config": …}` around it.
    static func read<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        var hasLearner = false
        try reader.eachKey { (reader, key) throws(ModelFormatError) in
            switch key {
            case "version": draft.versionNumbers = try reader.takeInts()
            case "learner":
                hasLearner = true
                try readLearner(&reader, into: &draft, limits: limits)
            case "Model":
                // One level only: the document inside is read by the same rules but cannot nest further.
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    switch key {
                    case "version": draft.versionNumbers = try reader.takeInts()
                    case "learner":
                        hasLearner = true
                        try readLearner(&reader, into: &draft, limits: limits)
                    default: try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
        guard hasLearner else {
            throw ModelFormatError(.malformed("a document without a learner"), at: reader.documentOffset)
        }
    }

    private static func readLearner<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try reader.eachKey { (reader, key) throws(ModelFormatError) in
            switch key {
            case "learner_model_param": try readParameters(&reader, into: &draft)
            case "feature_names": draft.featureNames = try reader.takeStrings()
            case "gradient_booster": try readBooster(&reader, into: &draft, limits: limits)
            case "attributes":
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    if key == "best_iteration" {
                        draft.bestIteration = Int(try reader.takeString())
                    } else {
                        try reader.skip()
                    }
                }
            case "objective":
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    if key == "name" { draft.objective = try reader.takeString() } else { try reader.skip() }
                }
            default: try reader.skip()
            }
        }
    }

    private static func readParameters<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft
    ) throws(ModelFormatError) {
        try reader.eachKey { (reader, key) throws(ModelFormatError) in
            switch key {
            case "num_feature": draft.featureCount = try reader.takeQuotedInt()
            case "num_class": draft.classCount = try reader.takeQuotedInt()
            case "num_target": draft.targetCount = try reader.takeQuotedInt()
            case "base_score": draft.baseScores = try baseScores(&reader)
            default: try reader.skip()
            }
        }
    }

    /// `5E-1`, or since version 3.1 `[5E-1]` with one for each margin; always in quotation marks.
    private static func baseScores<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader
    ) throws(ModelFormatError) -> [Float] {
        let text = try reader.takeString()
        let inner =
            text.hasBytePrefix("[") && text.hasByteSuffix("]") ? Substring(text.utf8.dropFirst().dropLast()) : text[...]
        var scores: [Float] = []
        for part in inner.pieces(at: ",") {
            let digits = Array(part.utf8.drop { $0 == 0x20 })
            guard let score = NumberText.float(digits.span) else {
                throw ModelFormatError(.malformed("base_score"), at: reader.documentOffset)
            }
            scores.append(score)
        }
        return scores
    }

    private static func readBooster<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try reader.eachKey { (reader, key) throws(ModelFormatError) in
            switch key {
            case "name": draft.booster = try reader.takeString()
            case "model": try readModel(&reader, into: &draft, limits: limits)
            case "weight_drop": draft.treeWeights = try reader.takeFloats()
            case "gbtree":
                // Inside a dart booster.
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    if key == "model" {
                        try readModel(&reader, into: &draft, limits: limits)
                    } else {
                        try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
    }

    private static func readModel<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try reader.eachKey { (reader, key) throws(ModelFormatError) in
            switch key {
            case "tree_info": draft.treeMargins = try reader.takeInts()
            case "weights": draft.linearWeights = try reader.takeFloats()
            case "trees":
                try reader.enterArray()
                while try reader.takeElement() {
                    guard draft.trees.count < limits.maxTreeCount else {
                        throw ModelFormatError(.tooLarge("trees"), at: reader.documentOffset)
                    }
                    let tree = try XGBoostTree(&reader, position: draft.trees.count)
                    draft.trees.append(
                        XGBoostDraft.Tree(
                            id: tree.id,
                            nodes: try tree.assembled(&draft.categorySets, offset: reader.documentOffset)))
                }
            default: try reader.skip()
            }
        }
    }
}
