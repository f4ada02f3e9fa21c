import Digests
import ModelImage
import ModelTypes
import SealedMemory
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct NamedFeatureTests {
    @Test func rowsMayNameTheirFeaturesInEveryForm() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0, featureNames: ["x", "y", "z"])
            let client = PlainClient(port: harness.port)
            let json = client.predict(
                #"{"instances":[{"z":3,"x":1,"y":2},[1,2,3]]}"#, ["Content-Type": "application/json"])
            #expect(json?.body == #"{"predictions": [6.0, 6.0]}"#)
            let lines = client.predict(
                "{\"x\":1,\"y\":2,\"z\":3}\n[4,5,6]\n", ["Content-Type": "application/jsonlines"])
            #expect(lines?.body == "{\"score\": 6.0}\n{\"score\": 15.0}\n")
            #expect(lines?.fields["content-type"] == "application/jsonlines")
            let csv = client.predict("z,y,x\n3,2,1\n6,5,4\n", ["Content-Type": "text/csv; header=present"])
            #expect(csv?.body == "6.0\n15.0\n")
            let unknown = client.predict(
                #"{"instances":[{"w":3}]}"#, ["Content-Type": "application/json"])
            #expect(unknown?.status == 400 && unknown?.body.contains(#"the model has no feature \"w\""#) == true)
            // A generation without names takes the place of the one that had them.
            try harness.adopt("a", version: "2", generation: 2, bias: 0)
            let nameless = client.predict(#"[{"x":1}]"#, ["Content-Type": "application/json"])
            #expect(nameless?.status == 400 && nameless?.body.contains("send them by position") == true)
        }
    }

    /// The sidecar put the bundle's encoders into the image; clients send texts.
    @Test func textsBecomeTheNumbersOfTheImagesEncoders() async throws {
        let encoders = try FeatureEncoders(
            [
                .init(
                    feature: 1, categories: [.init(text: "mobile", number: 10), .init(text: "a,b", number: 20)],
                    unknown: 90)
            ], featureCount: 3)
        try await ServerHarness.serving { harness in
            try harness.adopt(
                "a", version: "1", generation: 1, bias: 0, featureNames: ["x", "device", "z"], encoders: encoders)
            let client = PlainClient(port: harness.port)
            let json = client.predict(
                #"{"instances":[{"device":"mobile","x":1},[1,"a,b",3],[1,"fridge",3],[1,10,3]]}"#,
                ["Content-Type": "application/json"])
            #expect(json?.body == #"{"predictions": [11.0, 24.0, 94.0, 14.0]}"#)
            let csv = client.predict("1,mobile,3\n1,\"a,b\",3\n")
            #expect(csv?.body == "14.0\n24.0\n")
            let refused = client.predict(#"[["mobile",1,2]]"#, ["Content-Type": "application/json"])
            #expect(refused?.status == 400, "a feature without an encoder takes numbers alone")
        }
    }

    /// The model knows its categories by the hash of their texts; integers are texts, and so is what no table has.
    @Test func textsOfAModelsOwnCategoriesNeedNoEncoder() async throws {
        func key(_ text: String) -> UInt64 {
            CategoryHash.combined(0, CategoryHash.part(CategoryHash.category(text)))
        }
        let projection = ComputedFeatures.Projection(
            parts: [.category(column: 1)], keys: [key("mobile, é"), key("17")],
            columns: [ComputedFeatures.Column(values: [10, 20], other: 90)])
        let nodes: [TreeNode] = [
            .numerical(feature: 2, threshold: 15, missing: .nanLeft, left: 1, right: 2), .leaf(1),
            .numerical(feature: 2, threshold: 50, missing: .nanLeft, left: 3, right: 4), .leaf(2), .leaf(3),
        ]
        let forest = try Forest(
            featureCount: 2, inputType: .float64, accumulator: .float64, comparison: .lessOrEqual,
            categoryRule: .nonNegative, trees: [Forest.Tree(nodes: nodes, margin: 0)], categorySets: [],
            startValues: [0], computed: ComputedFeatures(textColumns: [1], projections: [projection]))
        let model = ModelDescription(
            predictor: .forest(forest), featureNames: ["x", "device"], transform: .identity, objective: "RMSE",
            bestIteration: nil, source: ModelSource(format: .catBoostBinary, writerVersion: "1.2.10"))
        let image = try ImageCompiler.compile(model, artifactDigest: ServerHarness.artifact.bytes)
        try await ServerHarness.serving { harness in
            let offer = try ServerHarness.offer("a", version: "1", generation: 1, image: image)
            try harness.registry.adopt(offer, memory: SealedMemory(copying: image, name: "a"))
            let client = PlainClient(port: harness.port)
            let json = client.predict(
                #"{"instances":[{"device":"mobile, \u00e9"},[1,17],[1,"17"],[1,"fridge"],[1,null]]}"#,
                ["Content-Type": "application/json"])
            #expect(json?.body == #"{"predictions": [1.0, 2.0, 2.0, 3.0, 3.0]}"#)
            let csv = client.predict("1,\"mobile, é\"\n1,17\n1,\n")
            #expect(csv?.body == "1.0\n2.0\n3.0\n")
            let refused = client.predict("[[1,1.5]]", ["Content-Type": "application/json"])
            #expect(refused?.status == 400 && refused?.body.contains("neither a text nor an integer") == true)
        }
    }
}
