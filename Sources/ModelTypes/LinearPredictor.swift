/// Weights whose products with the features add up to the margins: bias first, then feature by feature; a missing feature
/// adds nothing.
package struct LinearPredictor: Hashable, Sendable {
    package let featureCount: Int
    /// The type that is multiplied and added in, each product rounded before it is added.
    package let accumulator: NumberType
    /// What each margin starts from.
    package let startValues: [Double]
    /// One weight for each feature and margin: [featureCount, marginCount], row-major.
    package let weights: [Double]

    package enum Failure: Error, Hashable, Sendable {
        case noMargin
        case weightCount(expected: Int, found: Int)
        /// A weight or start value is not one of the accumulator's type.
        case weight(index: Int)
    }

    package init(
        featureCount: Int, accumulator: NumberType, startValues: [Double], weights: [Double]
    ) throws(Failure) {
        guard !startValues.isEmpty else { throw .noMargin }
        let (expected, overflows) = featureCount.multipliedReportingOverflow(by: startValues.count)
        guard !overflows, weights.count == expected else {
            throw .weightCount(expected: expected, found: weights.count)
        }
        if let index = weights.firstIndex(where: { !accumulator.holds($0) }) { throw .weight(index: index) }
        self.featureCount = featureCount
        self.accumulator = accumulator
        self.startValues = startValues
        self.weights = weights
    }

    package var marginCount: Int { startValues.count }
}
