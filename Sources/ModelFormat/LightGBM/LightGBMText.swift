import ModelTypes

/// LightGBM's text model: a head of `key=value` lines, then the trees, each with an empty line behind it.
///
/// Source: `GBDT::LoadModelFromString` of LightGBM 4.7.0. The sizes that the head gives for the trees are not needed.
enum LightGBMText {
    static func isFormat(_ cursor: ByteCursor) -> Bool {
        cursor.starts(with: "tree\n") || cursor.starts(with: "tree\r\n")
    }

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        var cursor = cursor
        var head = Head()
        var trees: [Forest.Tree] = []
        var sets = CategorySets()
        reading: while let (line, text) = try cursor.keyedLine(limits: limits) {
            guard let line else {
                if text.starts(with: "average_output") { head.isAveraged = true }
                // Files before 2018 go straight on to the importances.
                if text.starts(with: "end of trees") || text.starts(with: "feature importances:") {
                    head.isWhole = true
                    break reading
                }
                continue
            }
            guard line.key == "Tree" else {
                try head.take(line, limits: limits)
                continue
            }
            guard trees.count < limits.maxTreeCount else { throw ModelFormatError(.tooLarge("trees"), at: line.offset) }
            guard head.treesPerRound > 0, head.treesPerRound <= limits.maxMarginCount else {
                throw ModelFormatError(.inconsistent("num_tree_per_iteration"), at: line.offset)
            }
            let tree = try LightGBMTree(&cursor, limits: limits)
            trees.append(
                Forest.Tree(
                    nodes: try tree.assembled(&sets, offset: line.offset), margin: trees.count % head.treesPerRound))
        }
        return try description(head, trees, sets, limits: limits, offset: cursor.offset)
    }

    /// What the lines before the first tree say.
    private struct Head {
        var version = ""
        var treesPerRound = 1
        var featureCount = 0
        var featureNames: [String] = []
        var objective = ""
        var isAveraged = false
        /// Whether the trees are known to have ended: a file cut short looks like one with fewer trees.
        var isWhole = false

        mutating func take(_ line: KeyedLine, limits: ModelLimits) throws(ModelFormatError) {
            switch line.key {
            case "version": version = try line.text(limits: limits)
            case "num_class": treesPerRound = try line.integer()
            case "num_tree_per_iteration": treesPerRound = try line.integer()
            case "max_feature_idx": featureCount = try line.integer() + 1
            case "feature_names": featureNames = try line.words(limits: limits)
            case "objective": objective = try line.text(limits: limits)
            case "average_output": isAveraged = true
            default: break
            }
        }
    }

    private static func description(
        _ head: Head, _ trees: [Forest.Tree], _ sets: CategorySets, limits: ModelLimits, offset: Int
    ) throws(ModelFormatError) -> ModelDescription {
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError { ModelFormatError(reason, at: offset) }
        guard let objective = LightGBMObjective(text: head.objective) else {
            throw refuse(.unsupported("objective \(head.objective.prefix(64))"))
        }
        guard head.featureCount > 0, head.featureCount <= limits.maxFeatureCount else {
            throw refuse(.tooLarge("features"))
        }
        guard head.treesPerRound > 0, head.treesPerRound <= limits.maxMarginCount,
            trees.count.isMultiple(of: head.treesPerRound), !trees.isEmpty
        else { throw refuse(.inconsistent("the number of trees")) }
        guard head.isWhole else { throw refuse(.truncated) }
        guard head.featureNames.count == head.featureCount else { throw refuse(.inconsistent("feature_names")) }
        let forest: Forest
        do throws(ForestError) {
            forest = try Forest(
                featureCount: head.featureCount, inputType: .float64, accumulator: .float64, comparison: .lessOrEqual,
                categoryRule: .truncated, trees: trees, categorySets: sets.words,
                startValues: Array(repeating: 0, count: head.treesPerRound),
                divisor: head.isAveraged ? Double(trees.count / head.treesPerRound) : 1)
        } catch { throw refuse(.forest(error)) }
        return ModelDescription(
            predictor: .forest(forest), featureNames: head.featureNames, transform: objective.transform,
            transformSlope: objective.slope, objective: objective.name, bestIteration: nil,
            source: ModelSource(format: .lightGBMText, writerVersion: head.version))
    }
}
