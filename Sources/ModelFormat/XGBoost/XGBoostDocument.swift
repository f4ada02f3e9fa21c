import JSONReader
import ModelTypes
import Names

/// XGBoost's document, the same in JSON and UBJSON.
///
/// Source: `doc/model.schema` and the `LoadModel` functions of XGBoost 3.2.0, and what its releases from 1.0 to 3.4 write.
/// ``XGBoostKeys`` has the keys; any other is refused.
enum XGBoostDocument {
    private typealias Keys = XGBoostKeys

    /// Reads `{"learner": …, "version": …}`, or a snapshot `{"Model": {…}, "Config": …}` around it.
    static func read<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        var hasLearner = false
        try reader.eachKey(of: Keys.Document.self, at: "") { (reader, key) throws(ModelFormatError) in
            switch key {
            case .version: draft.versionNumbers = try reader.takeInts()
            case .learner:
                guard !hasLearner else { throw second(reader.documentOffset) }
                hasLearner = true
                try readLearner(&reader, at: "learner", into: &draft, limits: limits)
            case .model:
                // One level only: the document inside is read by the same rules but cannot nest further.
                try reader.eachKey(of: Keys.Snapshot.self, at: "Model") { (reader, key) throws(ModelFormatError) in
                    switch key {
                    case .version: draft.versionNumbers = try reader.takeInts()
                    case .learner:
                        guard !hasLearner else { throw second(reader.documentOffset) }
                        hasLearner = true
                        try readLearner(&reader, at: "Model.learner", into: &draft, limits: limits)
                    }
                }
            }
        }
        guard hasLearner else {
            throw ModelFormatError(.malformed("a document without a learner"), at: reader.documentOffset)
        }
    }

    private static func second(_ offset: Int) -> ModelFormatError {
        ModelFormatError(.inconsistent("a second learner"), at: offset)
    }

    private static func readLearner<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, at place: String, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try reader.eachKey(of: Keys.Learner.self, at: place) { (reader, key) throws(ModelFormatError) in
            switch key {
            case .parameters: try readParameters(&reader, at: "\(place).\(key.rawValue)", into: &draft)
            case .featureNames: draft.featureNames = try reader.takeStrings()
            case .booster: try readBooster(&reader, at: "\(place).\(key.rawValue)", into: &draft, limits: limits)
            case .attributes:
                // Anyone may put anything here.
                try reader.eachKey { (reader, key) throws(ModelFormatError) in
                    if key == "best_iteration" {
                        draft.bestIteration = Int(try reader.takeString())
                    } else {
                        try reader.skip()
                    }
                }
            case .objective: try readObjective(&reader, at: "\(place).\(key.rawValue)", into: &draft)
            }
        }
    }

    private static func readObjective<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, at place: String, into draft: inout XGBoostDraft
    ) throws(ModelFormatError) {
        try reader.eachKey(of: Keys.Objective.self, at: place) { (reader, key) throws(ModelFormatError) in
            if key == .name {
                draft.objective = try reader.takeString()
                return
            }
            // Which objective has which parameters does not matter: none of them bears on predictions.
            try reader.passOverKeys(Keys.objectiveParameters, at: "\(place).\(key.rawValue)")
        }
    }

    private static func readParameters<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, at place: String, into draft: inout XGBoostDraft
    ) throws(ModelFormatError) {
        try reader.eachKey(of: Keys.Parameter.self, at: place) { (reader, key) throws(ModelFormatError) in
            switch key {
            case .featureCount: draft.featureCount = try reader.takeQuotedInt()
            case .classCount: draft.classCount = try reader.takeQuotedInt()
            case .targetCount: draft.targetCount = try reader.takeQuotedInt()
            case .baseScore: draft.baseScores = try baseScores(&reader)
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
        _ reader: inout Reader, at place: String, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        try reader.eachKey(of: Keys.Booster.self, at: place) { (reader, key) throws(ModelFormatError) in
            switch key {
            case .name: draft.booster = try reader.takeString()
            case .model: try readModel(&reader, at: "\(place).\(key.rawValue)", into: &draft, limits: limits)
            case .treeWeights: try setTreeWeights(&reader, &draft)
            case .trees:
                let place = "\(place).\(key.rawValue)"
                try reader.eachKey(of: Keys.InnerBooster.self, at: place) { (reader, key) throws(ModelFormatError) in
                    switch key {
                    // Always gbtree: what the trees are summed with is said outside.
                    case .name: _ = try reader.takeString()
                    case .model: try readModel(&reader, at: "\(place).\(key.rawValue)", into: &draft, limits: limits)
                    }
                }
            }
        }
    }

    /// Beside the trees or, since version 3.4, with them, where a dart booster calls itself gbtree.
    private static func setTreeWeights<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, _ draft: inout XGBoostDraft
    ) throws(ModelFormatError) {
        guard draft.treeWeights == nil else {
            throw ModelFormatError(.inconsistent("weight_drop, given twice"), at: reader.documentOffset)
        }
        draft.treeWeights = try reader.takeFloats()
    }

    private static func readModel<Reader: DocumentReader & ~Copyable>(
        _ reader: inout Reader, at place: String, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        guard !draft.hasModel else {
            throw ModelFormatError(.inconsistent("a second model"), at: reader.documentOffset)
        }
        draft.hasModel = true
        try reader.eachKey(of: Keys.Model.self, at: place) { (reader, key) throws(ModelFormatError) in
            switch key {
            case .treeMargins: draft.treeMargins = try reader.takeInts()
            case .treeWeights: try setTreeWeights(&reader, &draft)
            case .linearWeights: draft.linearWeights = try reader.takeFloats()
            case .roundStarts: draft.roundStarts = try reader.takeInts()
            case .parameters:
                try reader.eachKey(of: Keys.ModelParameter.self, at: "\(place).\(key.rawValue)") {
                    (reader, key) throws(ModelFormatError) in
                    try XGBoostTree.checkLeaf(size: try reader.takeQuotedInt(), at: reader.documentOffset)
                }
            case .trees:
                try reader.enterArray()
                while try reader.takeElement() {
                    guard draft.trees.count < limits.maxTreeCount else {
                        throw ModelFormatError(.tooLarge("trees"), at: reader.documentOffset)
                    }
                    let number = draft.trees.count
                    let tree = try XGBoostTree(&reader, at: "\(place).trees[\(number)]", position: number)
                    draft.trees.append(
                        XGBoostDraft.Tree(
                            id: tree.id,
                            nodes: try tree.assembled(&draft.categorySets, offset: reader.documentOffset)))
                }
            }
        }
    }
}
