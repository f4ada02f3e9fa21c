import Foundation
import InferenceWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct OpenInferenceDocumentsTests {
    private func parsed(_ text: String) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
    }

    @Test func metadataTellsShapesAndTypes() throws {
        let one = try parsed(OpenInferenceDocuments.metadata(.sample()))
        let expected: NSDictionary = [
            "name": "m", "versions": ["7"], "platform": "lodestore_xgboost-json",
            "inputs": [
                [
                    "name": "input", "datatype": "FP32", "shape": [-1, 3],
                    "parameters": ["feature_names": ["age", "price", "größe"]],
                ] as NSDictionary
            ],
            "outputs": [["name": "predict", "datatype": "FP32", "shape": [-1]]],
        ]
        #expect(one == expected)
        let many = try parsed(OpenInferenceDocuments.metadata(.sample(outputCount: 4, isDouble: true)))
        #expect((many["outputs"] as? NSArray) == [["name": "predict", "datatype": "FP64", "shape": [-1, 4]]])
    }

    @Test func metadataNamesTheClasses() throws {
        let model = try parsed(
            OpenInferenceDocuments.metadata(.sample(outputCount: 2, classLabels: ["a\"b", "größe"])))
        #expect(
            model["outputs"] as? NSArray == [
                [
                    "name": "predict", "datatype": "FP32", "shape": [-1, 2],
                    "parameters": ["labels": ["a\"b", "größe"]],
                ] as NSDictionary
            ])
    }

    private func parameters(_ signature: ModelSignature) throws -> NSDictionary? {
        let inputs = try parsed(OpenInferenceDocuments.metadata(signature))["inputs"] as? [NSDictionary]
        return inputs?.first?["parameters"] as? NSDictionary
    }

    @Test func metadataTellsWhichFeaturesTakeTexts() throws {
        #expect(
            try parameters(.encoded([1, 2])) == [
                "feature_names": ["age", "site", "device"], "bytes_features": ["site", "device"],
            ])
        #expect(try parameters(.plain(featureCount: 3)) == nil)
    }

    @Test func metadataOfManyFeaturesOrLongNamesHasNoNames() throws {
        func wide(_ count: Int, prefix: String) throws -> Int? {
            let names = (0..<count).map { prefix + "\($0)" }
            let schema = RowSchema(featureCount: count, featureNames: names)
            return (try parameters(.plain(schema))?["feature_names"] as? [String])?.count
        }
        #expect(try wide(1000, prefix: "\"\n") == 1000)
        #expect(try wide(1001, prefix: "f") == nil)
        #expect(try wide(1000, prefix: String(repeating: "long-", count: 14)) == nil)
    }

    @Test func configurationIsTritons() throws {
        let config = try parsed(OpenInferenceDocuments.configuration(.sample()))
        #expect(config["max_batch_size"] as? Int == 0 && config["backend"] as? String == "lodestore")
        #expect((config["input"] as? NSArray) == [["name": "input", "data_type": "TYPE_FP32", "dims": [-1, 3]]])
    }

    @Test func namesAreQuoted() throws {
        let odd = ModelSignature(
            name: "a\"b\n", version: "\\", sourceFormat: "x", schema: RowSchema(featureCount: 1), outputCount: 1,
            isInputDouble: false, isOutputDouble: false)
        #expect(try parsed(OpenInferenceDocuments.metadata(odd))["name"] as? String == "a\"b\n")
        let entry = RepositoryEntry(name: "a\"b\n", version: "\\", isReady: false)
        let index = try JSONSerialization.jsonObject(with: Data(OpenInferenceDocuments.index([entry]).utf8)) as? NSArray
        #expect(index == [["name": "a\"b\n", "version": "\\", "state": "UNAVAILABLE", "reason": "unloaded"]])
    }

    @Test func statisticsAddUp() throws {
        var counts = InferenceStatistics()
        counts.addSuccess(rowCount: 5, start: 100, read: 103, scored: 110, written: 112, milliseconds: 9)
        counts.addFailure(nanoseconds: 40)
        var all = InferenceStatistics()
        all += counts
        all += counts
        let entry = RepositoryEntry(name: "m", version: "7", isReady: true)
        let text = try parsed(OpenInferenceDocuments.statistics([(entry, all)]))
        let model = try #require((text["model_stats"] as? [NSDictionary])?.first)
        #expect(model["inference_count"] as? Int == 10 && model["execution_count"] as? Int == 2)
        #expect(model["last_inference"] as? Int == 9 && model["version"] as? String == "7")
        let expected: NSDictionary = [
            "success": ["count": 2, "ns": 24], "fail": ["count": 2, "ns": 80], "queue": ["count": 2, "ns": 0],
            "compute_input": ["count": 2, "ns": 6], "compute_infer": ["count": 2, "ns": 14],
            "compute_output": ["count": 2, "ns": 4], "cache_hit": ["count": 0, "ns": 0],
            "cache_miss": ["count": 0, "ns": 0],
        ]
        #expect((model["inference_stats"] as? NSDictionary) == expected)
    }

    @Test(
        arguments: [
            ("", false), ("{}", false), (#"{"ready":true}"#, true), (#"{"ready":false,"repository_name":"x"}"#, false),
        ])
    func indexRequestsAreRead(text: String, isReadyOnly: Bool) throws {
        let request = try Array(text.utf8).withUnsafeBytes { try IndexRequest(json: $0) }
        #expect(request.isReadyOnly == isReadyOnly)
    }

    @Test(
        arguments: [
            ("", nil), (#"{"parameters":{"unload_dependents":false}}"#, nil),
            (
                #"{"parameters":{"config":"{}"}}"#,
                "parameters.config: models and their settings come from the bucket alone"
            ),
            (
                #"{"parameters":{"file:1/model.onnx":"x"}}"#,
                "parameters.file:1/model.onnx: models and their settings come from the bucket alone"
            ),
            ("[", "the request: the value is of another kind than expected, at byte 0"),
        ] as [(String, String?)])
    func loadsBringNothingWithThem(text: String, expected: String?) {
        var reason: String?
        do {
            _ = try Array(text.utf8).withUnsafeBytes { try LoadRequest(json: $0, name: "m") }
        } catch {
            reason = "\(error)"
        }
        #expect(reason == expected)
    }
}
