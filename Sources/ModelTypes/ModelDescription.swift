/// All that scoring and an operator need to know of a model, read from its artifact and checked.
package struct ModelDescription: Hashable, Sendable {
    package enum Predictor: Hashable, Sendable {
        case forest(Forest)
        case linear(LinearPredictor)
        case factorizationMachine(FactorizationMachine)
        case network(Network)
        /// Run by a library where the operator allows one.
        case graph(RuntimeGraph)
    }

    package let predictor: Predictor
    /// One name for each feature, or none at all.
    package let featureNames: [String]
    package let transform: OutputTransform
    /// The s of ``OutputTransform/logistic``; 1 elsewhere.
    package let transformSlope: Double
    /// The objective in the library's own words: `binary:logistic`.
    package let objective: String
    /// The round that early stopping found best, counted from 0. Carried for the operator: like the library's own
    /// `Booster.predict`, scoring uses every round that the file holds.
    package let bestIteration: Int?
    package let source: ModelSource
    /// What each prediction of a row is the score of, where the artifact names its classes; else empty.
    package let classLabels: [String]

    /// - Precondition: `featureNames` is empty or has a name for each feature, `classLabels` a label for each prediction.
    package init(
        predictor: Predictor, featureNames: [String], transform: OutputTransform, transformSlope: Double = 1,
        objective: String, bestIteration: Int?, source: ModelSource, classLabels: [String] = []
    ) {
        self.predictor = predictor
        self.featureNames = featureNames
        self.transform = transform
        self.transformSlope = transformSlope
        self.objective = objective
        self.bestIteration = bestIteration
        self.source = source
        self.classLabels = classLabels
        precondition(featureNames.isEmpty || featureNames.count == featureCount, "a name for each feature or none")
        precondition(classLabels.isEmpty || classLabels.count == outputCount, "a label for each prediction or none")
    }

    /// The same model with names for its features.
    ///
    /// - Precondition: there is a name for each feature.
    package func named(_ names: [String]) -> ModelDescription {
        ModelDescription(
            predictor: predictor, featureNames: names, transform: transform, transformSlope: transformSlope,
            objective: objective, bestIteration: bestIteration, source: source, classLabels: classLabels)
    }

    package var featureCount: Int {
        switch predictor {
        case .forest(let forest): forest.featureCount
        case .linear(let linear): linear.featureCount
        case .factorizationMachine(let machine): machine.featureCount
        case .network(let network): network.featureCount
        case .graph(let graph): graph.interface.featureCount
        }
    }

    /// Margins per row.
    package var marginCount: Int {
        switch predictor {
        case .forest(let forest): forest.marginCount
        case .linear(let linear): linear.marginCount
        case .factorizationMachine: 1
        case .network(let network): network.output.count
        case .graph(let graph): graph.interface.outputCount
        }
    }

    /// Predictions per row.
    package var outputCount: Int { transform.outputCount(marginCount: marginCount) }
}
