import ModelFormat
import ModelTypes
import Testing

/// The two files of factorization machines.
@Suite(.timeLimit(.minutes(3))) struct FactorizationMachineTests {
    @Test func aDocumentIsReadAsItSays() throws {
        let json = """
            {"task":"binary_classification","factors":[[1,2],[0.1,-3]],"weights":[0.5,4],"bias":-1,"version":1,
            "features":["a","b"],"format":"lodestore-factorization-machine"}
            """
        let model = try ModelParser.parse(Array(json.utf8).span)
        let machine = try FactorizationMachine(
            featureCount: 2, factorCount: 2, bias: -1, weights: [0.5, 4], factors: [1, 2, 0.1, -3])
        #expect(model.predictor == .factorizationMachine(machine))
        #expect(model.featureNames == ["a", "b"] && model.transform == .logistic && model.marginCount == 1)
        #expect(model.source.format == .factorizationMachine && model.objective == "binary_classification")
    }

    @Test func theTextOfLibFMIsReadAsItSays() throws {
        let text = "#global bias W0\n-1\n#unary interactions Wj\n0.5\n4\n#pairwise interactions Vj,f\n1 2\n0.1 -3e0\n"
        let model = try ModelParser.parse(Array(text.utf8).span)
        let machine = try FactorizationMachine(
            featureCount: 2, factorCount: 2, bias: -1, weights: [0.5, 4], factors: [1, 2, 0.1, -3])
        #expect(model.predictor == .factorizationMachine(machine) && model.transform == .identity)
        // Without bias and weights, and without factors.
        let bare = try ModelParser.parse(Array("#pairwise interactions Vj,f\n1\n2\n".utf8).span)
        #expect(bare.featureCount == 2)
        let linear = "#unary interactions Wj\n1\n2\n#pairwise interactions Vj,f\n\n\n"
        #expect(try ModelParser.parse(Array(linear.utf8).span).featureCount == 2)
    }

    private static let head = #""format":"lodestore-factorization-machine","version":1"#

    @Test(arguments: [
        (#"{"weights":[1],"factors":[[1]],"version":1}"#, "malformed: \"format\""),
        (
            #"{"format":"lodestore-factorization-machine","version":2,"weights":[1],"factors":[[1]]}"#,
            "not supported: version 2"
        ),
        ("{\(head),\"weights\":[1]}", "malformed: weights and factors"),
        ("{\(head),\"weights\":[1],\"factors\":[[1],[2]]}", "not a factorization machine"),
        ("{\(head),\"weights\":[1,1],\"factors\":[[1],[2,3]]}", "inconsistent: factors differ in number"),
        ("{\(head),\"weights\":[1],\"factors\":[[1]],\"features\":[\"a\",\"b\"]}", "inconsistent: features"),
        ("{\(head),\"weights\":[],\"factors\":[]}", "beyond the limits: features"),
        ("{\(head),\"weights\":[1e60],\"factors\":[[1]]}", "broken JSON"),
        ("{\(head),\"weights\":[1],\"factors\":[[1]],\"task\":\"ranking\"}", "not supported: task ranking"),
        ("{\(head),\"weights\":[1],\"factors\":[[1]],\"wieghts\":1}", "not supported: the key wieghts"),
        ("{\(head),\"weights\":[1],\"factors\":[[1]]} {}", "broken JSON"),
        ("#global bias W0\n1 2\n", "malformed: one bias"),
        ("#global bias W0\n1\n#global bias W0\n1\n", "malformed: a part twice"),
        ("#global bias W0\n", "the bytes end"),
        ("#pairwise interactions Vj,f\n#unary interactions Wj\n", "malformed: a part"),
        ("#pairwise interactions Vj,f\n1 2\n1\n", "malformed: as many factors"),
        ("#unary interactions Wj\n1\n#pairwise interactions Vj,f\n1\n2\n", "the bytes end"),
        ("#unary interactions Wj\n1\n2\n", "the bytes end"),
        ("#pairwise interactions Vj,f\n1\n2", "the bytes end"),
        ("#unary interactions Wj\nx\n", "malformed: a number"),
        ("#pairwise interactions Vj,f\n1e60\n", "not a factorization machine"),
    ])
    func unsoundFilesAreRefused(text: String, message: String) {
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(Array(text.utf8).span) }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }

    /// LightGBM's linear trees hold a linear model in each leaf, which no forest does.
    @Test func linearTreesOfLightGBMAreRefusedByName() throws {
        let text = String(decoding: try modelVector("lightgbm-binary/model.txt"), as: UTF8.self)
        #expect(text.contains("is_linear=0"))
        let linear = Array(text.replacing("is_linear=0", with: "is_linear=1").utf8)
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(linear.span) }
        #expect(error?.reason == .unsupported("linear models in leaves"))
    }
}
