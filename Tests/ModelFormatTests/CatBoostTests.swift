import ModelTypes
import Testing

@testable import ModelFormat

/// CatBoost's formats: what is said of a model besides its trees, and what is refused.
@Suite(.timeLimit(.minutes(3))) struct CatBoostTests {
    /// Every kind of part, every kind of statistic: the files of Data/ have them between them.
    @Test func categoriesAreAskedThroughComputedColumns() throws {
        var kinds: Set<String> = []
        for name in ["one-hot", "ctr", "combinations", "ctr-kinds", "ctr-classes", "ctr-depthwise", "ctr-gpu"] {
            let file = try modelVector("catboost-\(name)/model.cbm")
            let model = try ModelParser.parse(file.span)
            guard case .forest(let forest) = model.predictor else { throw Failure() }
            #expect(forest.inputType == .float64 && forest.featureCount == 6 && forest.columnCount > 6)
            for part in forest.computed.projections.flatMap(\.parts) {
                switch part {
                case .category: kinds.insert("category")
                case .isAbove: kinds.insert("above")
                case .isCategory: kinds.insert("is category")
                }
            }
        }
        #expect(kinds == ["category", "above", "is category"])
    }

    @Test func bordersMoveToTheLastNumberThatRoundsToThem() {
        var borders: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, -1, 0.1]
        borders += [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1.5, 0x1p-130, -0x1.FFFFFEp-3]
        for border in borders {
            let last = CatBoostColumns.last(notAbove: border)
            #expect(Float(last) <= border && Float(last.nextUp) > border, "\(border)")
        }
        #expect(CatBoostColumns.last(notAbove: .infinity) == .infinity)
        #expect(Float(CatBoostColumns.last(notAbove: -.infinity).nextUp) > -.infinity)
    }

    @Test func marginsLossAndTransformAreTheModels() throws {
        let expected: [(String, Int, OutputTransform, String)] = [
            ("logloss", 1, .logistic, "Logloss"), ("tweedie", 1, .exponential, "Tweedie"),
            ("rmse", 1, .identity, "RMSE"),
            ("multiclass", 3, .softmax, "MultiClass"), ("ova", 3, .logistic, "MultiClassOneVsAll"),
            ("targets", 2, .identity, "MultiRMSE"),
        ]
        for (name, marginCount, transform, loss) in expected {
            let file = try modelVector("catboost-\(name)/model.cbm")
            let model = try ModelParser.parse(file.span)
            #expect(model.marginCount == marginCount && model.transform == transform && model.objective == loss)
            #expect(model.featureCount == 6)
        }
    }

    /// Keys in any order, numbers by hand: right is above the border, bit d of a leaf's number is split d.
    @Test func aSmallDocumentIsReadAsItSays() throws {
        let json = """
            {"scale_and_bias":[2,[0.5]],"oblivious_trees":[{"splits":[
            {"float_feature_index":0,"border":1.5,"split_type":"FloatFeature","split_index":0},
            {"float_feature_index":1,"border":-1,"split_type":"FloatFeature","split_index":1}],
            "leaf_values":[1,2,3,4],"leaf_weights":[1,1,1,1]}],
            "features_info":{"categorical_features":[{"feature_index":0,"flat_feature_index":1,"feature_id":"kind"}],
            "float_features":[{"feature_index":0,"flat_feature_index":0,"feature_id":"a","has_nans":true,
            "nan_value_treatment":"AsTrue","borders":[1.5]},{"feature_index":1,"flat_feature_index":2,"feature_id":"",
            "has_nans":false,"nan_value_treatment":"AsIs","borders":[-1]}]}}
            """
        let model = try ModelParser.parse(Array(json.utf8).span)
        #expect(model.featureNames == ["a", "kind", "2"] && model.transform == .identity && model.objective == "")
        guard case .forest(let forest) = model.predictor else { throw Failure() }
        #expect(forest.scale == 2 && forest.biases == [0.5] && forest.startValues == [0])
        // A column of categories, though no split asks it: float64, which holds every hash.
        #expect(forest.inputType == .float64 && forest.accumulator == .float64 && forest.comparison == .lessOrEqual)
        #expect(forest.computed == ComputedFeatures(textColumns: [1], projections: []))
        let nodes = forest.trees[0].nodes
        #expect(nodes.map { Float($0.value) } == [-1, 1.5, 1.5, 1, 2, 3, 4])
        #expect(nodes[0].feature == 2 && nodes[1].feature == 0 && nodes[1].value == 1.5 + 0x1p-24)
        #expect(nodes[0].missing == .nanLeft && nodes[1].missing == .nanRight)
    }

    @Test(arguments: [
        (#"{"oblivious_trees":[]}"#, "inconsistent: a model without trees"),
        (#"{"oblivious_trees":[{"splits":[],"leaf_values":[1,2]},{"leaf_values":[1]}]}"#, "inconsistent: leaf values"),
        (#"{"trees":[{"value":1,"split":{"float_feature_index":0,"border":1}}]}"#, "inconsistent: a node is neither"),
        (#"{"trees":[{"value":1}],"features_info":{"float_features":[{"flat_feature_index":9999999}]}}"#, "beyond"),
        (
            #"{"oblivious_trees":[{"splits":[{"float_feature_index":7,"border":1}],"leaf_values":[1,2]}]}"#,
            "inconsistent"
        ),
        (
            #"{"trees":[{"value":1}],"model_info":{"params":{"loss_function":{"type":"Own"}}}}"#,
            "not supported: loss function Own"
        ),
        (#"{"trees":[{"value":1}],"scale_and_bias":[1,[1,2,3]]}"#, "inconsistent: biases"),
        (one(#"{"split_type":"OneHotFeature","cat_feature_index":0,"value":5}"#), "inconsistent: a split's feature"),
        (one(#"{"split_type":"OnlineCtr","border":1,"split_index":0}"#), "inconsistent: a split's number"),
        (one(#"{"split_type":"EstimatedFeature"}"#), "not supported: features estimated from texts"),
        (one(statistic, #","features_info":{\#(column),"ctrs":[\#(counter)]}"#), "inconsistent: statistics without"),
        (
            one(statistic, #","features_info":{"ctrs":[\#(counter)]},"ctr_data":{"t":{"hash_map":["1",5]}}"#),
            "inconsistent: a split's feature"
        ),
        (counted(#"["1",5,6]"#), "inconsistent: counts of statistics"),
        (counted(#"[5,"1"]"#), "malformed: hash_map"),
        (counted(#"["1",5,"1",6]"#), "inconsistent: statistics of one table"),
    ])
    func unsoundDocumentsAreRefused(json: String, message: String) {
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(Array(json.utf8).span) }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }

    /// One vector named by every feature would be read a million times: the buffer bounds what is read from it.
    @Test func overlappingVectorsAreRefused() throws {
        let sound = try modelVector("catboost-deep/model.cbm")
        // Nothing but the length of the core says where it ends: the same tables, cut short, are refused as well.
        var short = sound
        short[4] = 16
        short[5] = 0
        #expect(throws: ModelFormatError.self) { try ModelParser.parse(short.span) }
        let shared = sharedBorders(featureCount: 3000, borderCount: 3000)
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(shared.span) }
        #expect(error?.reason == .inconsistent("vectors that overlap"))
    }

    /// What is made of a table is bounded: a file may not have each of many statistics make anew what one table holds.
    @Test func statisticsAreBounded() throws {
        let file = try modelVector("catboost-ctr-kinds/model.cbm")
        let error = #expect(throws: ModelFormatError.self) {
            try ModelParser.parse(file.span, limits: ModelLimits(maxStatisticCount: 100))
        }
        #expect(error?.reason == .tooLarge("statistics"))
    }

    private static let column = #""categorical_features":[{"feature_index":0,"flat_feature_index":0,"feature_id":"a"}]"#
    private static let counter = """
        {"identifier":"t","elements":[{"cat_feature_index":0,"combination_element":"cat_feature_value"}],"borders":[1],
        "ctr_type":"Counter","prior_numerator":0,"prior_denomerator":1,"shift":0,"scale":1,"target_border_idx":0}
        """
    private static let statistic = #"{"split_type":"OnlineCtr","border":1,"split_index":0}"#

    /// A document with one tree of one split.
    private static func one(_ split: String, _ rest: String = "") -> String {
        #"{"oblivious_trees":[{"splits":[\#(split)],"leaf_values":[1,2]}]\#(rest)}"#
    }

    /// A document whose one split asks a statistic with these counts.
    private static func counted(_ counts: String) -> String {
        let features = #""features_info":{\#(column),"ctrs":[\#(counter)]}"#
        return one(statistic, #",\#(features),"ctr_data":{"t":{"hash_map":\#(counts)}}"#)
    }

    private struct Failure: Error {}

    /// A core whose features are one table, named `featureCount` times.
    private func sharedBorders(featureCount: Int, borderCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        func put(_ value: UInt32) {
            for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * shift))) }
        }
        func put16(_ value: UInt16) {
            bytes += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        }
        put(12)  // To the root table.
        // Its fields: 1 is the trees.
        for value: UInt16 in [8, 8, 0, 4] { put16(value) }
        // The root: back to its fields, on to the trees.
        put(8)
        put(20)
        // Fields of the trees: 5 is the vector of features.
        for value: UInt16 in [16, 8, 0, 0, 0, 0, 0, 4] { put16(value) }
        // Back to the fields, on to the vector.
        put(16)
        put(4)
        put(UInt32(featureCount))
        let vectorStart = bytes.count
        let featureStart = vectorStart + 4 * featureCount + 12
        for index in 0..<featureCount { put(UInt32(featureStart - (vectorStart + 4 * index))) }
        // Fields of a feature: 3 is its borders.
        for value: UInt16 in [12, 8, 0, 0, 0, 4] { put16(value) }
        put(12)
        put(4)
        put(UInt32(borderCount))
        for _ in 0..<borderCount { put(0) }
        var file = Array("CBM1".utf8)
        for shift in 0..<4 { file.append(UInt8(truncatingIfNeeded: bytes.count >> (8 * shift))) }
        return file + bytes
    }
}
