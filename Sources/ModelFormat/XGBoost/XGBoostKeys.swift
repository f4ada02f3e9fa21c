/// The keys of XGBoost's document, as the releases from 1.0 to 3.4 write them; `Scripts/make-release-matrix` has files of each.
enum XGBoostKeys {
    enum Document: String, DocumentKey {
        case version, learner
        case model = "Model"
        /// How the booster would go on to train, beside the model in a serialised buffer.
        static let withoutEffect = ["Config"]
    }

    enum Snapshot: String, DocumentKey {
        case version, learner
        static let withoutEffect: [String] = []
    }

    enum Learner: String, DocumentKey {
        case parameters = "learner_model_param"
        case featureNames = "feature_names"
        case booster = "gradient_booster"
        case attributes, objective
        /// Splits say themselves what kind they are of.
        static let withoutEffect = ["feature_types"]
    }

    enum Parameter: String, DocumentKey {
        case baseScore = "base_score"
        case classCount = "num_class"
        case featureCount = "num_feature"
        case targetCount = "num_target"
        /// Whether the base score was estimated, which it then was.
        static let withoutEffect = ["boost_from_average"]
    }

    enum Objective: String, DocumentKey {
        case name
        case regression = "reg_loss_param"
        case classes = "softmax_multiclass_param"
        case poisson = "poisson_regression_param"
        case tweedie = "tweedie_regression_param"
        /// As release 1.6 spells it.
        case misspeltHuber = "pseduo_huber_param"
        case huber = "pseudo_huber_param"
        case failureTime = "aft_loss_param"
        case oldRank = "lambda_rank_param"
        case rank = "lambdarank_param"
        case quantile = "quantile_loss_param"
        case expectile = "expectile_loss_param"
        /// How much positions bias the ranks that were learned from.
        static let withoutEffect = ["ti+", "tj-"]
    }

    /// What weighs or shapes the loss in training.
    static let objectiveParameters = [
        "scale_pos_weight", "num_class", "max_delta_step", "tweedie_variance_power", "huber_slope",
        "aft_loss_distribution", "aft_loss_distribution_scale", "num_pairsample", "fix_list_weight", "quantile_alpha",
        "expectile_alpha", "lambdarank_bias_norm", "lambdarank_normalization", "lambdarank_num_pair_per_sample",
        "lambdarank_pair_method", "lambdarank_score_normalization", "lambdarank_unbiased", "ndcg_exp_gain",
    ]

    enum Booster: String, DocumentKey {
        case name, model
        case treeWeights = "weight_drop"
        /// What a dart booster has its trees in, up to version 3.3.
        case trees = "gbtree"
        static let withoutEffect: [String] = []
    }

    enum InnerBooster: String, DocumentKey {
        case name, model
        static let withoutEffect: [String] = []
    }

    enum Model: String, DocumentKey {
        case parameters = "gbtree_model_param"
        case treeMargins = "tree_info"
        case treeWeights = "weight_drop"
        case linearWeights = "weights"
        case roundStarts = "iteration_indptr"
        case trees
        /// The names of categories, which rows give by their numbers; how many rounds there were.
        static let withoutEffect = ["cats", "boosted_rounds"]
    }

    enum ModelParameter: String, DocumentKey {
        case leafSize = "size_leaf_vector"
        static let withoutEffect = ["num_trees", "num_parallel_tree"]
    }

    enum Tree: String, DocumentKey {
        case id, categories
        case leftChildren = "left_children"
        case rightChildren = "right_children"
        case splitFeatures = "split_indices"
        case splitConditions = "split_conditions"
        case defaultsLeft = "default_left"
        case splitTypes = "split_type"
        case categoryNodes = "categories_nodes"
        case categorySegments = "categories_segments"
        case categorySizes = "categories_sizes"
        case parameters = "tree_param"
        case leafVectors = "leaf_weights"
        /// What training knew of the nodes.
        static let withoutEffect = ["base_weights", "leaf_child_counts", "loss_changes", "parents", "sum_hessian"]
    }

    enum TreeParameter: String, DocumentKey {
        case leafSize = "size_leaf_vector"
        static let withoutEffect = ["num_deleted", "num_feature", "num_nodes"]
    }
}
