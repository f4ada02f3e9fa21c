import ModelTypes

/// What the parts of an XGBoost file say, in whatever order they come, until they are put together.
struct XGBoostDraft {
    struct Tree {
        let id: Int
        let nodes: [TreeNode]
    }

    var versionNumbers: [Int] = []
    var featureCount = 0
    var classCount = 0
    var targetCount = 1
    /// As the file says them: one for all margins or one for each.
    var baseScores: [Float] = []
    var objective = ""
    var booster = ""
    var trees: [Tree] = []
    var treeMargins: [Int] = []
    /// Where each round's trees begin, and where the last one's end; files before version 2.0 do not say.
    var roundStarts: [Int] = []
    /// Whether a model has been read: there is one only.
    var hasModel = false
    var categorySets = CategorySets()
    /// The factor of each tree in a dart booster, whatever it calls itself.
    var treeWeights: [Float]?
    var linearWeights: [Float] = []
    var featureNames: [String] = []
    var bestIteration: Int?

    /// - Parameter offset: Where the file ends, for errors that concern the whole.
    func description(
        format: ModelSource.Format, limits: ModelLimits, offset: Int
    ) throws(ModelFormatError) -> ModelDescription {
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError { ModelFormatError(reason, at: offset) }
        guard let objective = XGBoostObjective(name: objective) else {
            throw refuse(.unsupported("objective \(objective.prefix(64))"))
        }
        guard featureCount >= 0, featureCount <= limits.maxFeatureCount else { throw refuse(.tooLarge("features")) }
        let marginCount = max(classCount, targetCount, 1)
        guard marginCount <= limits.maxMarginCount else { throw refuse(.tooLarge("classes or targets")) }
        if objective.name == "binary:logitraw", versionNumbers.first == 1, versionNumbers.dropFirst().first ?? 3 < 3 {
            // Releases 1.0 to 1.2 take the base score for a probability, and those after them for a margin.
            throw XGBoostObjective.refusedAsAmbiguous(objective.name, at: offset)
        }
        guard objective.name != "reg:expectileerror" || marginCount == 1 else {
            // The library adds up what is above the first.
            throw refuse(.unsupported("objective reg:expectileerror with several outputs"))
        }
        let starts = try startValues(objective, marginCount: marginCount, offset: offset)
        let predictor: ModelDescription.Predictor
        switch booster {
        case "gbtree", "dart": predictor = .forest(try forest(starts, limits: limits, offset: offset))
        case "gblinear": predictor = .linear(try linear(starts, offset: offset))
        default: throw refuse(.unsupported("booster \(booster.prefix(64))"))
        }
        guard featureNames.isEmpty || featureNames.count == featureCount else {
            throw refuse(.inconsistent("\(featureNames.count) feature names for \(featureCount) features"))
        }
        // Since release 3.4 quantiles do not cross, whatever the margins.
        let isSorted =
            objective.name == "reg:quantileerror" && marginCount > 1
            && !versionNumbers.lexicographicallyPrecedes([3, 4])
        return ModelDescription(
            predictor: predictor, featureNames: featureNames,
            transform: isSorted ? .ascending : objective.transform,
            objective: objective.name, bestIteration: bestIteration,
            source: ModelSource(
                format: format, writerVersion: versionNumbers.map(String.init).joined(separator: ".")))
    }

    private func startValues(
        _ objective: XGBoostObjective, marginCount: Int, offset: Int
    ) throws(ModelFormatError) -> [Float] {
        guard baseScores.count == 1 || baseScores.count == marginCount else {
            throw ModelFormatError(
                .inconsistent("\(baseScores.count) base scores for \(marginCount) margins"), at: offset)
        }
        let starts = baseScores.map(objective.margin)
        guard starts.allSatisfy(\.isFinite) else { throw ModelFormatError(.inconsistent("the base score"), at: offset) }
        return starts.count == marginCount ? starts : Array(repeating: starts[0], count: marginCount)
    }

    private func forest(
        _ starts: [Float], limits: ModelLimits, offset: Int
    ) throws(ModelFormatError) -> Forest {
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError { ModelFormatError(reason, at: offset) }
        guard trees.count <= limits.maxTreeCount else { throw refuse(.tooLarge("trees")) }
        guard treeMargins.count == trees.count else {
            throw refuse(.inconsistent("\(treeMargins.count) entries of tree_info for \(trees.count) trees"))
        }
        guard roundStarts.isEmpty || roundStarts.last == trees.count else {
            throw refuse(.inconsistent("iteration_indptr"))
        }
        guard treeWeights?.count ?? (booster == "dart" ? -1 : trees.count) == trees.count else {
            throw refuse(.inconsistent("weight_drop"))
        }
        var ordered = [[TreeNode]?](repeating: nil, count: trees.count)
        for tree in trees {
            guard tree.id >= 0, tree.id < trees.count, ordered[tree.id] == nil else {
                throw refuse(.inconsistent("the numbers of the trees"))
            }
            ordered[tree.id] = tree.nodes
        }
        let numbered = zip(ordered, treeMargins).enumerated().map { index, tree in
            Forest.Tree(nodes: weighted(tree.0 ?? [], by: treeWeights?[index]), margin: tree.1)
        }
        do throws(ForestError) {
            return try Forest(
                featureCount: featureCount, inputType: .float32, accumulator: .float32, comparison: .less,
                categoryRule: .nonNegative, trees: numbered, categorySets: categorySets.words,
                startValues: starts.map(Double.init))
        } catch { throw refuse(.forest(error)) }
    }

    /// Dart multiplies each leaf by its tree's weight, rounds, and adds: the product can as well be stored.
    private func weighted(_ nodes: [TreeNode], by weight: Float?) -> [TreeNode] {
        guard let weight else { return nodes }
        return nodes.map { $0.kind == .leaf ? .leaf(Double(Float($0.value) * weight)) : $0 }
    }

    /// The sum starts from bias + base score, rounded; the biases come behind the weights. Of several base scores the library
    /// takes the first for every output.
    private func linear(_ starts: [Float], offset: Int) throws(ModelFormatError) -> LinearPredictor {
        let weightCount = featureCount * starts.count
        guard linearWeights.count == weightCount + starts.count else {
            throw ModelFormatError(
                .inconsistent("\(linearWeights.count) weights for \(featureCount) features"), at: offset)
        }
        do throws(LinearPredictor.Failure) {
            return try LinearPredictor(
                featureCount: featureCount, accumulator: .float32,
                startValues: linearWeights[weightCount...].map { Double($0 + starts[0]) },
                weights: linearWeights[..<weightCount].map(Double.init))
        } catch { throw ModelFormatError(.linear(error), at: offset) }
    }
}
