/// Why trees do not make a forest. The file they come from is broken or hostile: it is to be refused.
package enum ForestError: Error, Hashable, Sendable {
    case noMargin
    /// There are biases, but not one for each margin.
    case biasCount(Int)
    /// The scale or a bias is infinite, NaN, or not a value of the accumulator's type.
    case scaleOrBias
    case emptyTree(tree: Int)
    case childOutOfRange(tree: Int, node: Int)
    /// A node has two parents or is its own ancestor.
    case nodeReachedTwice(tree: Int, node: Int)
    case nodeNotReached(tree: Int, node: Int)
    case featureOutOfRange(tree: Int, node: Int)
    case marginOutOfRange(tree: Int)
    case categorySetOutOfRange(tree: Int, node: Int)
    /// The threshold is NaN or not a value of the forest's input type.
    case threshold(tree: Int, node: Int)
    /// The leaf is not a value of the forest's accumulator type.
    case leaf(tree: Int, node: Int)
    /// Categories are asked for NaN and nothing else.
    case categoricalMissingRule(tree: Int, node: Int)
    /// Computed features that do not fit the row or themselves: which projection, -1 for the columns of texts.
    case computedFeatures(projection: Int)
}
