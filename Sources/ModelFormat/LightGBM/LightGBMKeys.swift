/// The keys of LightGBM's text, as the releases from 2.0.12 to 4.7 write them; `Scripts/make-release-matrix` has files of each.
///
/// What follows the trees (importances, the parameters of the training, the names of categories) is passed over as a whole.
enum LightGBMKeys {
    /// The first line behind `tree`.
    static let versions = ["v2", "v3", "v4"]

    enum Head: String, DocumentKey {
        case version, objective
        case classCount = "num_class"
        case treesPerRound = "num_tree_per_iteration"
        case greatestFeature = "max_feature_idx"
        case featureNames = "feature_names"
        /// A line without `=`.
        case average = "average_output"
        /// Facts of the training data; how the trees grew; how many bytes each takes.
        static let withoutEffect = ["label_index", "monotone_constraints", "feature_infos", "tree_sizes"]
    }

    enum Tree: String, DocumentKey {
        case leafCount = "num_leaves"
        case leftChildren = "left_child"
        case rightChildren = "right_child"
        case splitFeatures = "split_feature"
        case thresholds = "threshold"
        case decisions = "decision_type"
        case leafValues = "leaf_value"
        case categoryBounds = "cat_boundaries"
        case categoryWords = "cat_threshold"
        case isLinear = "is_linear"
        /// Linear models in leaves.
        case linearConstants = "leaf_const"
        case linearCounts = "num_features"
        case linearFeatures = "leaf_features"
        case linearWeights = "leaf_coeff"
        /// What training knew of splits and leaves; the values have been shrunk already.
        static let withoutEffect = [
            "num_cat", "split_gain", "leaf_weight", "leaf_count", "internal_value", "internal_weight",
            "internal_count", "shrinkage",
        ]
    }
}
