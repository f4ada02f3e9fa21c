import ModelTypes

// Tree ensembles, with the conventions of ONNX Runtime where the operators' definitions leave a choice.
//
// Source: `core/providers/cpu/ml/tree_ensemble_aggregator.h` and `ml_common.h` of ONNX Runtime.

extension ONNXTranslation {
    mutating func translateTrees(_ node: ONNXNode, isClassifier: Bool) throws(ModelFormatError) {
        let rows = try vectors(node)
        let features: [Int32]
        if case .features(let chosen) = rows.source {
            features = chosen
        } else if let scaled = rows.scaled {
            features = scaled.features
        } else {
            throw node.unsupported("computed features in front")
        }
        var labels: [String] = []
        if isClassifier {
            labels = node.texts("classlabels_strings") + node.integers("classlabels_int64s").map { "\($0)" }
            setLabels(labels)
            if let label = node.outputs.first, !label.isEmpty { set(label, .label) }
        }
        let count = isClassifier ? labels.count : node.integer("n_targets", 1)
        guard count > 0, count <= limits.maxMarginCount, !isClassifier || count > 1 else {
            throw node.unsupported("the number of classes or targets")
        }
        let ensemble = try ONNXTreeEnsemble(
            node, prefix: isClassifier ? "class" : "target", targetCount: count, features: features,
            scales: rows.scaled?.scales ?? [])
        guard let name = isClassifier ? (node.outputs.count > 1 ? node.outputs[1] : nil) : try output(node) else {
            return
        }
        let shape =
            isClassifier && count == 2
            ? try pair(node, ensemble) : try plain(node, ensemble, count, isClassifier: isClassifier)
        let result = try forest(node, ensemble, shape, isAverage: try isAverage(node, isClassifier))
        set(
            name,
            .forest(
                ONNXForest(forest: result, transform: shape.transform, objective: String(node.operation.prefix(64)))))
    }

    /// How an ensemble's scores are made.
    private struct Scores {
        let marginCount: Int
        /// What is added after the trees.
        let bases: [Float]
        let transform: OutputTransform
    }

    private func isAverage(_ node: ONNXNode, _ isClassifier: Bool) throws(ModelFormatError) -> Bool {
        switch node.text("aggregate_function", "SUM") {
        case "SUM": return false
        case "AVERAGE" where !isClassifier: return true
        default: throw node.unsupported("aggregate_function \(node.text("aggregate_function", "").prefix(64))")
        }
    }

    private func plain(
        _ node: ONNXNode, _ ensemble: ONNXTreeEnsemble, _ count: Int, isClassifier: Bool
    ) throws(ModelFormatError) -> Scores {
        let bases = node.floats("base_values")
        guard bases.isEmpty || bases.count == count else { throw node.unsupported("the number of base_values") }
        let transform: OutputTransform
        switch node.text("post_transform", "NONE") {
        case "NONE": transform = .identity
        // Of one target, runtimes disagree on whether these do anything.
        case "LOGISTIC" where count > 1: transform = .steadyLogistic
        case "SOFTMAX" where count > 1: transform = .softmax
        default: throw node.unsupported("post_transform \(node.text("post_transform", "").prefix(64))")
        }
        // A leaf without a weight for the only target has no defined value.
        guard count > 1 || ensemble.isComplete(for: 0) else { throw node.inconsistent("a leaf without a weight") }
        return Scores(marginCount: count, bases: bases, transform: transform)
    }

    /// Two classes: one score stands for both when leaves name the first class only.
    private func pair(_ node: ONNXNode, _ ensemble: ONNXTreeEnsemble) throws(ModelFormatError) -> Scores {
        let bases = node.floats("base_values")
        let post = node.text("post_transform", "NONE")
        if ensemble.targets == [0] {
            guard bases.count < 2 else { throw node.unsupported("two base_values of two classes") }
            switch (ensemble.hasNegativeWeight, post) {
            case (false, "NONE"): return Scores(marginCount: 1, bases: bases, transform: .complementPair)
            case (true, "LOGISTIC"): return Scores(marginCount: 1, bases: bases, transform: .logisticPair)
            default: throw node.unsupported("post_transform \(post.prefix(64)) with weights of this sign")
            }
        }
        guard bases.isEmpty, ensemble.isComplete(for: 1) else {
            throw node.unsupported("two classes of which leaves name the second alone or now and then")
        }
        switch post {
        case "NONE": return Scores(marginCount: 2, bases: [], transform: .identity)
        case "LOGISTIC": return Scores(marginCount: 2, bases: [], transform: .steadyLogistic)
        case "SOFTMAX": return Scores(marginCount: 2, bases: [], transform: .softmax)
        default: throw node.unsupported("post_transform \(post.prefix(64))")
        }
    }

    private func forest(
        _ node: ONNXNode, _ ensemble: ONNXTreeEnsemble, _ scores: Scores, isAverage: Bool
    ) throws(ModelFormatError) -> Forest {
        var trees = try ensemble.forestTrees(limits: limits)
        guard !isAverage || scores.bases.allSatisfy({ $0 == 0 }) else {
            throw node.unsupported("base_values of an average")
        }
        // Sums start at zero and the base comes last: a tree of one leaf.
        for (margin, base) in scores.bases.enumerated() where base != 0 {
            trees.append(Forest.Tree(nodes: [.leaf(Double(base))], margin: margin))
        }
        do throws(ForestError) {
            return try Forest(
                featureCount: widths[0], inputType: .float32, accumulator: .float32, comparison: ensemble.comparison,
                categoryRule: .nonNegative, trees: trees, categorySets: [],
                startValues: Array(repeating: 0, count: scores.marginCount),
                divisor: isAverage ? Double(ensemble.treeCount) : 1)
        } catch { throw ModelFormatError(.forest(error), at: node.offset) }
    }
}
