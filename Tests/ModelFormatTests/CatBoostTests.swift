import ModelFormat
import ModelTypes
import Testing

/// CatBoost's formats: what is said of a model besides its trees, and what is refused.
struct CatBoostTests {
    @Test(arguments: ["model.json", "model.cbm"])
    func columnsOfCategoriesAreRefusedByName(file: String) throws {
        for (folder, what) in [
            ("catboost-ctr", "CTR features of categorical columns"),
            ("catboost-one-hot", "one-hot splits of categorical columns"),
        ] {
            let bytes = try modelVector("\(folder)/\(file)")
            let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(bytes.span) }
            #expect(error?.reason == .unsupported(what))
            #expect(error?.description.hasPrefix("not supported: \(what)") == true)
        }
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
        #expect(forest.inputType == .float32 && forest.accumulator == .float64 && forest.comparison == .lessOrEqual)
        let nodes = forest.trees[0].nodes
        #expect(nodes.map(\.value) == [-1, 1.5, 1.5, 1, 2, 3, 4] && nodes[0].feature == 2 && nodes[1].feature == 0)
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
