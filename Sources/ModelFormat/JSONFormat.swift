import JSONReader
import ModelTypes

/// Which of the formats in JSON a document is: told by the first key that only one of them has.
enum JSONFormat {
    static func format(of cursor: ByteCursor, limits: ModelLimits) -> ModelSource.Format {
        let rules = JSONRules(
            maxDepth: JSONRules.depthCeiling, maxStringBytes: limits.maxStringBytes, allowsNonFinite: true)
        // A document that is broken before such a key is left to the parser of the commonest format, which says where.
        let found = try? unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try unsafe JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
                try json.enterObject()
                while let key = try json.takeKey() {
                    if let format = format(ofKey: key) { return format }
                    try json.skip()
                }
                return ModelSource.Format.xgboostJSON
            }
        }
        return found ?? .xgboostJSON
    }

    private static func format(ofKey key: String) -> ModelSource.Format? {
        switch key {
        case "learner", "Model", "Config": .xgboostJSON
        case "ctr_data", "features_info", "model_info", "oblivious_trees", "scale_and_bias", "trees": .catBoostJSON
        case "format", "task", "bias", "features", "weights", "factors": .factorizationMachine
        // "version" is in several.
        default: nil
        }
    }
}
