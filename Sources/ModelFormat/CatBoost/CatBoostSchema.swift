/// The tables of CatBoost's binary model and how many fields each has, as releases up to 1.2.10 write them.
///
/// Fields that are not read have no effect: where trees begin, weights of leaves, splits packed in another way, the texts of
/// categories, and whatever says how features of texts and embeddings are made, which no tree that is served asks.
///
/// Source: `flatbuffers/{model,features,ctr_data}.fbs` of CatBoost 1.2.
enum CatBoostSchema {
    static let core = FlatBuffer.Kind(name: "TModelCore", fieldCount: 4)
    static let entry = FlatBuffer.Kind(name: "TKeyValue", fieldCount: 2)
    static let trees = FlatBuffer.Kind(name: "TModelTrees", fieldCount: 19)
    static let floatFeature = FlatBuffer.Kind(name: "TFloatFeature", fieldCount: 6)
    static let categoryFeature = FlatBuffer.Kind(name: "TCatFeature", fieldCount: 4)
    /// Of texts or embeddings, whose fields are five.
    static let otherFeature = FlatBuffer.Kind(name: "a feature of texts or embeddings", fieldCount: 5)
    static let estimatedFeature = FlatBuffer.Kind(name: "TEstimatedFeature", fieldCount: 8)
    static let oneHotFeature = FlatBuffer.Kind(name: "TOneHotFeature", fieldCount: 3)
    static let statistic = FlatBuffer.Kind(name: "TCtrFeature", fieldCount: 2)
    static let definition = FlatBuffer.Kind(name: "TModelCtr", fieldCount: 6)
    static let base = FlatBuffer.Kind(name: "TModelCtrBase", fieldCount: 3)
    static let combination = FlatBuffer.Kind(name: "TFeatureCombination", fieldCount: 3)
    static let table = FlatBuffer.Kind(name: "TCtrValueTable", fieldCount: 5)

    /// What the library writes as the version of the core, in its own spelling.
    static let version = "FlabuffersModel_v1"
}
