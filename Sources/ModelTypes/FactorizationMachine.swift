/// A factorization machine of the second degree: bias, a weight for each feature, and for each pair of features the product of
/// both with the inner product of their factors. A missing feature adds nothing, as a zero does.
///
/// Source: S. Rendle, "Factorization Machines", ICDM 2010.
package struct FactorizationMachine: Hashable, Sendable {
    package let featureCount: Int
    /// k: how many factors a feature has; 0 leaves a linear model.
    package let factorCount: Int
    package let bias: Float
    /// [featureCount].
    package let weights: [Float]
    /// [featureCount, factorCount], row-major.
    package let factors: [Float]

    package enum Failure: Error, Hashable, Sendable {
        case weightCount(expected: Int, found: Int)
        case factorCount(expected: Int, found: Int)
        /// NaN or infinite: in bias (-1), weights, or behind them factors.
        case number(index: Int)
    }

    package init(
        featureCount: Int, factorCount: Int, bias: Float, weights: [Float], factors: [Float]
    ) throws(Failure) {
        guard weights.count == featureCount else {
            throw .weightCount(expected: featureCount, found: weights.count)
        }
        let (expected, overflows) = featureCount.multipliedReportingOverflow(by: factorCount)
        guard factorCount >= 0, !overflows, factors.count == expected else {
            throw .factorCount(expected: expected, found: factors.count)
        }
        guard bias.isFinite else { throw .number(index: -1) }
        if let index = weights.firstIndex(where: { !$0.isFinite }) { throw .number(index: index) }
        if let index = factors.firstIndex(where: { !$0.isFinite }) { throw .number(index: featureCount + index) }
        self.featureCount = featureCount
        self.factorCount = factorCount
        self.bias = bias
        self.weights = weights
        self.factors = factors
    }
}
