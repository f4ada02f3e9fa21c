/// One node of a tree. Children are counted from the tree's root, which is 0.
package struct TreeNode: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        /// Ends the walk; `value` is added to the margin.
        case leaf
        /// Left when the feature compares with `value` as the forest's comparison says, else right.
        case numerical
        /// Right when the feature is a member of the set, else left.
        case categorical
    }

    package let kind: Kind
    package let missing: MissingRule
    package let feature: Int32
    package let left: Int32
    package let right: Int32
    /// Which of the forest's category sets a categorical split asks; -1 elsewhere.
    package let categorySet: Int32
    /// A leaf's addend or a numerical split's threshold, exact in the forest's own types.
    package let value: Double

    package static func leaf(_ value: Double) -> TreeNode {
        TreeNode(kind: .leaf, missing: .nanLeft, feature: -1, left: -1, right: -1, categorySet: -1, value: value)
    }

    package static func numerical(
        feature: Int32, threshold: Double, missing: MissingRule, left: Int32, right: Int32
    ) -> TreeNode {
        TreeNode(
            kind: .numerical, missing: missing, feature: feature, left: left, right: right, categorySet: -1,
            value: threshold)
    }

    package static func categorical(
        feature: Int32, set: Int32, missing: MissingRule, left: Int32, right: Int32
    ) -> TreeNode {
        TreeNode(
            kind: .categorical, missing: missing, feature: feature, left: left, right: right, categorySet: set, value: 0
        )
    }

    /// The same node with its children elsewhere.
    package func with(left: Int32, right: Int32) -> TreeNode {
        TreeNode(
            kind: kind, missing: missing, feature: feature, left: left, right: right, categorySet: categorySet,
            value: value)
    }
}
