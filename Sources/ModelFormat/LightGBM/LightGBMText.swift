import ModelTypes
import Names

/// LightGBM's text model: a head of `key=value` lines, then the trees, each with an empty line behind it.
///
/// Source: `GBDT::LoadModelFromString` of LightGBM 4.7.0. The sizes that the head gives for the trees are not needed.
/// ``LightGBMKeys`` has the keys; any other is refused.
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
                // Files before 2018 go straight on to the importances.
                if text.starts(with: "end of trees") || text.starts(with: "feature importances:") {
                    head.isWhole = true
                    break reading
                }
                try head.take(text, isFirst: text.origin == cursor.origin)
                continue
            }
            guard "Tree".hasSameBytes(as: line.key) else {
                guard trees.isEmpty else {
                    throw UnknownKey.refusal(line.key, at: "between trees", offset: line.offset)
                }
                try head.take(line, limits: limits)
                continue
            }
            guard trees.count < limits.maxTreeCount else { throw ModelFormatError(.tooLarge("trees"), at: line.offset) }
            guard head.treesPerRound > 0, head.treesPerRound <= limits.maxMarginCount else {
                throw ModelFormatError(.inconsistent("num_tree_per_iteration"), at: line.offset)
            }
            let tree = try LightGBMTree(&cursor, number: trees.count, limits: limits)
            trees.append(
                Forest.Tree(
                    nodes: try tree.assembled(&sets, offset: line.offset), margin: trees.count % head.treesPerRound))
        }
        return try description(head, trees, sets, limits: limits, offset: cursor.offset)
    }

    /// What the lines before the first tree say.
    private struct Head {
        var version = ""
        private var classCount = 1
        private var treesPerRoundSaid: Int?
        var featureCount = 0
        var featureNames: [String] = []
        var objective = ""
        var isAveraged = false
        /// Whether the trees are known to have ended: a file cut short looks like one with fewer trees.
        var isWhole = false
        private var known = KnownKeys<LightGBMKeys.Head>()

        var treesPerRound: Int { treesPerRoundSaid ?? classCount }

        mutating func take(_ line: KeyedLine, limits: ModelLimits) throws(ModelFormatError) {
            let key = LightGBMKeys.Head(bytesOf: line.key)
            guard key == .version || !version.isEmpty else {
                // The first releases had splits put a number of their own where one was missing.
                throw ModelFormatError(
                    .unsupported("a text without version, as early releases wrote"), at: line.offset)
            }
            switch try known.take(line.key, at: "", offset: line.offset) {
            case .version:
                version = try line.text(limits: limits)
                guard LightGBMKeys.versions.contains(where: { $0.hasSameBytes(as: version) }) else {
                    throw ModelFormatError(.unsupported("version \(version.prefix(64)) of the text"), at: line.offset)
                }
            case .classCount: classCount = try line.integer()
            case .treesPerRound: treesPerRoundSaid = try line.integer()
            case .greatestFeature: featureCount = try line.integer() + 1
            case .featureNames: featureNames = try line.words(limits: limits)
            case .objective: objective = try line.text(limits: limits)
            case .average: isAveraged = true
            case nil: break
            }
        }

        /// A line without `=`.
        mutating func take(_ line: ByteCursor, isFirst: Bool) throws(ModelFormatError) {
            if line.count == 0 || isFirst { return }
            guard line.starts(with: "average_output"), line.count == 14 else {
                throw ModelFormatError(.unsupported("a line without a key"), at: line.origin)
            }
            isAveraged = true
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
        // Up to release 2.2.0 the leaves of a random forest are predictions, which releases since transform once more; the text
        // does not tell 2.2.0 and 2.2.3 apart.
        guard head.version != "v2" || !head.isAveraged || objective.transform == .identity else {
            throw refuse(.unsupported("a random forest in a text of version v2 with objective \(objective.name)"))
        }
        return ModelDescription(
            predictor: .forest(forest), featureNames: head.featureNames, transform: objective.transform,
            transformSlope: objective.slope, objective: objective.name, bestIteration: nil,
            source: ModelSource(format: .lightGBMText, writerVersion: head.version))
    }
}
