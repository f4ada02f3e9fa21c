/// The keys of CatBoost's JSON, as releases up to 1.2.10 write them; `Scripts/make-release-matrix` has files of several.
enum CatBoostKeys {
    enum Document: String, DocumentKey {
        case information = "model_info"
        case features = "features_info"
        case tables = "ctr_data"
        case obliviousTrees = "oblivious_trees"
        case trees
        case scale = "scale_and_bias"
        static let withoutEffect: [String] = []
    }

    enum Features: String, DocumentKey {
        case numbers = "float_features"
        case categories = "categorical_features"
        case texts = "text_features"
        case embeddings = "embedding_features"
        case statistics = "ctrs"
        /// The texts of the categories that training saw.
        static let withoutEffect = ["cat_features_hash"]
    }

    enum Feature: String, DocumentKey {
        case index = "feature_index"
        case flatIndex = "flat_feature_index"
        case name = "feature_id"
        case hasNaNs = "has_nans"
        case treatmentOfNaN = "nan_value_treatment"
        case borders, values
        /// Names that the caller gave in exporting, which the library does not read; the texts behind values.
        static let withoutEffect = ["feature_name", "string_values"]
    }

    enum Statistic: String, DocumentKey {
        case identifier, elements, shift, scale, borders
        case kind = "ctr_type"
        case priorNumerator = "prior_numerator"
        case priorDenominator = "prior_denomerator"
        case targetBorder = "target_border_idx"
        static let withoutEffect: [String] = []
    }

    enum Element: String, DocumentKey {
        case border, value
        case number = "float_feature_index"
        case category = "cat_feature_index"
        case kind = "combination_element"
        static let withoutEffect: [String] = []
    }

    enum Table: String, DocumentKey {
        case denominator = "counter_denominator"
        case hashes = "hash_map"
        /// How many values a hash has, which their number says as well.
        static let withoutEffect = ["hash_stride"]
    }

    enum ObliviousTree: String, DocumentKey {
        case leaves = "leaf_values"
        case splits
        static let withoutEffect = ["leaf_weights"]
    }

    enum Node: String, DocumentKey {
        case split, left, right, value
        static let withoutEffect = ["weight"]
    }

    enum Split: String, DocumentKey {
        case border, value
        case number = "float_feature_index"
        case category = "cat_feature_index"
        case index = "split_index"
        case kind = "split_type"
        /// The statistic's number says it as well.
        static let withoutEffect = ["ctr_target_border_idx"]
    }
}
