import Foundation
import ModelFormat
import ModelTypes
import PropertyTesting
import Protobuf
import Testing

/// ONNX files that are broken, hostile or beyond what is served: each is refused by name, or is a sound model.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct ONNXTests {
    private static let corpus = [
        "mlp", "keras", "embedding", "arithmetic", "modes-sum", "sk-tree", "sk-logistic", "sk-logistic-classes",
        "xgboost",
    ]

    private static func read(_ name: String) throws -> [UInt8] {
        let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Models/onnx-"
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder + name + "/model.onnx")))
    }

    @Test func changedFilesAreRefusedOrSound() throws {
        let corpus = try Self.corpus.map(Self.read)
        var refusedCount = 0
        Fuzz.run(corpus: corpus) { bytes in
            do throws(ModelFormatError) { _ = try ModelParser.parse(bytes.span) } catch {
                refusedCount += 1
                #expect(error.offset <= bytes.count && !error.description.isEmpty)
            }
        }
        #expect(refusedCount > 0)
    }

    @Test(arguments: corpus) func everyPrefixIsRefused(name: String) throws {
        let bytes = try Self.read(name)
        // What follows the graph is the operator sets, which do not bear on the model.
        for length in stride(from: 0, to: bytes.count - 64, by: max(1, bytes.count / 150)) {
            let prefix = Array(bytes.prefix(length))
            #expect(throws: ModelFormatError.self, "\(length) of \(bytes.count)") { try ModelParser.parse(prefix.span) }
        }
    }

    // MARK: Files made by hand

    /// A graph from x, [N, 3], to y; a tensor is its name, shape and floats.
    private func file(
        _ nodes: [(String, String, [String], [String])], width: UInt64? = 3, element: UInt64 = 1,
        tensors: [(String, [Int64], [Float])] = [], _ more: (inout ProtobufWriter) -> Void = { _ in }
    ) -> [UInt8] {
        func value(_ writer: inout ProtobufWriter, _ name: String, _ element: UInt64, _ width: UInt64?) {
            writer.string(1, name)
            writer.message(2) { type in
                type.message(1) { tensor in
                    tensor.unsigned(1, element)
                    tensor.message(2) { shape in
                        shape.message(1) { $0.string(2, "N") }
                        shape.message(1) { if let width { $0.unsigned(1, width) } else { $0.string(2, "F") } }
                    }
                }
            }
        }
        var model = ProtobufWriter()
        model.unsigned(1, 8)
        model.string(2, "test")
        model.message(7) { graph in
            for node in nodes { write(node, to: &graph) }
            for (name, shape, floats) in tensors {
                graph.message(5) { tensor in
                    tensor.packed(1, shape)
                    tensor.unsigned(2, 1)
                    tensor.packed(4, floats)
                    tensor.string(8, name)
                }
            }
            graph.message(11) { value(&$0, "x", element, width) }
            graph.message(12) { value(&$0, "y", 1, 1) }
            more(&graph)
        }
        return model.bytes
    }

    private func write(_ node: (String, String, [String], [String]), to graph: inout ProtobufWriter) {
        graph.message(1) { message in
            for input in node.2 { message.data(1, input.utf8) }
            for output in node.3 { message.data(2, output.utf8) }
            message.string(4, node.1)
            message.string(7, node.0)
        }
    }

    private func expect(_ reason: ModelFormatError.Reason, _ bytes: [UInt8]) {
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(bytes.span) }
        #expect(error?.reason == reason)
    }

    @Test func aGraphByHandIsRead() throws {
        let bytes = file(
            [("", "MatMul", ["x", "w"], ["m"]), ("", "Add", ["m", "b"], ["a"]), ("", "Sigmoid", ["a"], ["y"])],
            tensors: [("w", [3, 1], [1, 2, 3]), ("b", [1], [0.5])])
        let model = try ModelParser.parse(bytes.span)
        guard case .network(let network) = model.predictor else {
            Issue.record("no network")
            return
        }
        // Product, bias and transform have become one layer.
        #expect(network.layers.count == 1 && network.layers[0].operation == .dense(weights: [1, 2, 3], bias: [0.5]))
        #expect(model.transform == .logistic && model.source.format == .onnx)
    }

    @Test(arguments: [
        ("", "Conv"), ("", "LSTM"), ("", "Loop"), ("", "If"), ("ai.onnx.ml", "SVMClassifier"),
        ("ai.onnx.ml", "TreeEnsemble"), ("", "Einsum"), ("", "Erf"),
    ]) func otherOperatorsAreRefusedByName(domain: String, operation: String) {
        let name = domain.isEmpty ? operation : domain + "." + operation
        expect(.unsupported("operator \(name)"), file([(domain, operation, ["x"], ["y"])]))
    }

    @Test func operatorsOfOtherDomainsAreRefusedByName() {
        expect(.unsupported("operator com.example.Relu"), file([("com.example", "Relu", ["x"], ["y"])]))
    }

    /// What the output does not need is not looked at.
    @Test func operatorsThatNoPredictionNeedsMayBeAnything() throws {
        let bytes = file([("", "Relu", ["x"], ["y"]), ("com.example", "Conv", ["x"], ["z"])])
        #expect(try ModelParser.parse(bytes.span).featureCount == 3)
    }

    @Test func whatIsNotServedIsSaid() {
        expect(.unsupported("input x of unknown width"), file([("", "Relu", ["x"], ["y"])], width: nil))
        expect(.unsupported("float64 input x"), file([("", "Relu", ["x"], ["y"])], element: 11))
        expect(.unsupported("sparse initializers"), file([("", "Relu", ["x"], ["y"])]) { $0.data(15, []) })
        expect(
            .unsupported("weights in a file of their own"),
            file([("", "Relu", ["x"], ["y"])]) { graph in
                graph.message(5) { tensor in
                    tensor.unsigned(2, 1)
                    tensor.string(8, "w")
                    tensor.unsigned(14, 1)
                }
            })
    }

    @Test func partsThatDoNotFitAreRefused() {
        let node = ("", "MatMul", ["x", "w"], ["y"])
        expect(.inconsistent("input w, which comes from nowhere of operator MatMul"), file([node]))
        expect(
            .inconsistent("the shape of the weights of operator MatMul"),
            file([node], tensors: [("w", [2, 2], [1, 2, 3, 4])]))
        expect(.inconsistent("a tensor's shape and its data"), file([node], tensors: [("w", [3, 2], [1, 2])]))
        expect(.inconsistent("output y, which no operator gives"), file([]))
        expect(
            .inconsistent("a name that is given twice: output y of operator Relu"),
            file([("", "Relu", ["x"], ["y"]), ("", "Relu", ["x"], ["y"])]))
        // A cycle: nothing has the first input when its turn comes.
        expect(
            .inconsistent("input b, which comes from nowhere of operator Relu"),
            file([("", "Relu", ["b"], ["a"]), ("", "Relu", ["a"], ["b"]), ("", "Add", ["a", "x"], ["y"])]))
    }

    @Test func shapesBeyondReasonAllocateNothing() {
        expect(
            .tooLarge("a tensor"),
            file([("", "Relu", ["x"], ["y"])], tensors: [("w", [1 << 20, 1 << 20], [])]))
        expect(
            .inconsistent("a tensor's dimension"),
            file([("", "Relu", ["x"], ["y"])], tensors: [("w", [-1], [])]))
        expect(
            .tooLarge("a tensor's dimensions"),
            file([("", "Relu", ["x"], ["y"])], tensors: [("w", Array(repeating: 1, count: 9), [1])]))
    }

    /// Many products that share one constant would otherwise copy it as often.
    @Test func aConstantUsedAgainAndAgainRunsOutOfItsBudget() {
        let width = 500
        let names = ["x"] + (0..<60).map { "v\($0)" } + ["y"]
        let bytes = file(
            (0..<61).map { ("", "MatMul", [names[$0], "w"], [names[$0 + 1]]) }, width: UInt64(width),
            tensors: [("w", [Int64(width), Int64(width)], Array(repeating: 0, count: width * width))])
        expect(.tooLarge("constants, used again and again"), bytes)
    }

    @Test func aLongChainOfOperatorsNeedsNoStack() throws {
        let names = ["x"] + (0..<20_000).map { "v\($0)" } + ["y"]
        let bytes = file((0..<20_001).map { ("", "Identity", [names[$0]], [names[$0 + 1]]) })
        #expect(try ModelParser.parse(bytes.span).marginCount == 3)
    }

    /// Broadcasting aligns shapes from their ends: the rows of one input would meet the columns of the other.
    @Test func rowsAreNotMixedByBroadcasting() {
        let bytes = file(
            [
                ("", "MatMul", ["x", "w"], ["m"]), ("", "Squeeze", ["m", "axes"], ["s"]),
                ("", "Add", ["x", "s"], ["y"]),
            ],
            tensors: [("w", [3, 1], [1, 2, 3])]
        ) { graph in
            graph.message(5) { tensor in
                tensor.packed(1, [1] as [Int64])
                tensor.unsigned(2, 7)
                tensor.packed(7, [1] as [Int64])
                tensor.string(8, "axes")
            }
        }
        expect(.unsupported("inputs of different shapes of operator Add"), bytes)
    }

    /// Numbers of shape [1, 2] make rows of [1, 2], over which a softmax would run along another axis.
    @Test func columnsTakeTheShapeOfTheirNumbers() throws {
        func bytes(_ shape: [Int64]) -> [UInt8] {
            file([]) { graph in
                graph.message(1) { node in
                    for input in ["x", "numbers"] { node.data(1, input.utf8) }
                    node.data(2, "c".utf8)
                    node.string(4, "Gather")
                    node.message(5) { attribute in
                        attribute.string(1, "axis")
                        attribute.signed(3, 1)
                    }
                }
                write(("", "Softmax", ["c"], ["y"]), to: &graph)
                graph.message(5) { tensor in
                    tensor.packed(1, shape)
                    tensor.unsigned(2, 7)
                    tensor.packed(7, [2, 0] as [Int64])
                    tensor.string(8, "numbers")
                }
            }
        }
        expect(.unsupported("an input of 3 dimensions of operator Softmax"), bytes([1, 2]))
        #expect(try ModelParser.parse(bytes([2]).span).outputCount == 2)
    }

    // MARK: Trees made by hand

    /// A `TreeEnsembleRegressor` over x; a node is its mode, feature, threshold and children, a weight its node and target.
    private func trees(
        _ nodes: [(String, Int64, Float, Int64, Int64)], _ weights: [(Int64, Int64, Float)], targetCount: Int64 = 1,
        texts: [(String, String)] = [], bases: [Float] = [],
        behind: (String, String, [String], [String])? = nil, more: (inout ProtobufWriter) -> Void = { _ in }
    ) -> [UInt8] {
        file([]) { graph in
            graph.message(1) { node in
                func attribute(_ name: String, _ body: (inout ProtobufWriter) -> Void) {
                    node.message(5) { attribute in
                        attribute.string(1, name)
                        body(&attribute)
                    }
                }
                func integers(_ name: String, _ values: [Int64]) { attribute(name) { $0.packed(8, values) } }
                node.data(1, "x".utf8)
                node.data(2, (behind == nil ? "y" : "t").utf8)
                node.string(4, "TreeEnsembleRegressor")
                node.string(7, "ai.onnx.ml")
                attribute("n_targets") { $0.signed(3, targetCount) }
                integers("nodes_treeids", nodes.map { _ in 0 })
                integers("nodes_nodeids", nodes.indices.map { Int64($0) })
                integers("nodes_featureids", nodes.map(\.1))
                integers("nodes_truenodeids", nodes.map(\.3))
                integers("nodes_falsenodeids", nodes.map(\.4))
                attribute("nodes_modes") { for node in nodes { $0.data(9, node.0.utf8) } }
                attribute("nodes_values") { $0.packed(7, nodes.map(\.2)) }
                integers("target_treeids", weights.map { _ in 0 })
                integers("target_nodeids", weights.map(\.0))
                integers("target_ids", weights.map(\.1))
                attribute("target_weights") { $0.packed(7, weights.map(\.2)) }
                if !bases.isEmpty { attribute("base_values") { $0.packed(7, bases) } }
                for (name, text) in texts { attribute(name) { $0.string(4, text) } }
            }
            if let behind { write(behind, to: &graph) }
            more(&graph)
        }
    }

    private static let stump: [(String, Int64, Float, Int64, Int64)] = [
        ("BRANCH_LT", 1, 0.5, 1, 2), ("LEAF", 0, 0, 0, 0), ("LEAF", 0, 0, 0, 0),
    ]
    private static let leaves: [(Int64, Int64, Float)] = [(1, 0, -1), (2, 0, 2)]

    @Test func aTreeByHandIsRead() throws {
        let model = try ModelParser.parse(trees(Self.stump, Self.leaves, bases: [0.25]).span)
        guard case .forest(let forest) = model.predictor else {
            Issue.record("no forest")
            return
        }
        // The base is added last.
        #expect(forest.comparison == .less && forest.startValues == [0] && forest.trees.last?.nodes == [.leaf(0.25)])
        #expect(
            forest.trees[0].nodes[0] == .numerical(feature: 1, threshold: 0.5, missing: .nanRight, left: 1, right: 2))
    }

    @Test func unsoundTreesAreRefusedByWhatIsWrong() {
        let name = " of operator TreeEnsembleRegressor"
        func changed(_ index: Int, _ node: (String, Int64, Float, Int64, Int64)) -> [UInt8] {
            var nodes = Self.stump
            nodes[index] = node
            return trees(nodes, Self.leaves)
        }
        expect(.unsupported("mode BRANCH_MEMBER" + name), changed(0, ("BRANCH_MEMBER", 1, 0.5, 1, 2)))
        expect(.inconsistent("a feature's number" + name), changed(0, ("BRANCH_LT", 3, 0.5, 1, 2)))
        expect(.inconsistent("a child that is not in its tree" + name), changed(0, ("BRANCH_LT", 1, 0.5, 1, 3)))
        expect(
            .unsupported("nodes with several parents, or many that ask for equality," + name),
            changed(0, ("BRANCH_LT", 1, 0.5, 0, 2)))
        expect(.unsupported("weights inside trees" + name), changed(1, ("BRANCH_LT", 1, 0.5, 2, 2)))
        expect(.inconsistent("a leaf without a weight" + name), trees(Self.stump, [(1, 0, -1)]))
        expect(.inconsistent("a weight's place" + name), trees(Self.stump, [(1, 1, -1), (2, 0, 2)]))
        expect(
            .unsupported("several weights of a leaf for one target" + name),
            trees(Self.stump, Self.leaves + [(2, 0, 2)]))
        expect(
            .unsupported("base_values of an average" + name),
            trees(Self.stump, Self.leaves, texts: [("aggregate_function", "AVERAGE")], bases: [1]))
        expect(
            .unsupported("aggregate_function MIN" + name),
            trees(Self.stump, Self.leaves, texts: [("aggregate_function", "MIN")]))
        expect(
            .unsupported("post_transform LOGISTIC" + name),
            trees(Self.stump, Self.leaves, texts: [("post_transform", "LOGISTIC")]))
    }

    @Test func onlyWhatKeepsRowsMayFollowTrees() throws {
        expect(
            .unsupported("trees as input of operator Relu"),
            trees(Self.stump, Self.leaves, behind: ("", "Relu", ["t"], ["y"])))
        let weights = Self.leaves + [(1, 1, 3), (2, 1, 4)]
        func shaped(_ shape: [Int64]) -> [UInt8] {
            trees(Self.stump, weights, targetCount: 2, behind: ("", "Reshape", ["t", "shape"], ["y"])) { graph in
                graph.message(5) { tensor in
                    tensor.packed(1, [Int64(shape.count)] as [Int64])
                    tensor.unsigned(2, 7)
                    tensor.packed(7, shape)
                    tensor.string(8, "shape")
                }
            }
        }
        expect(.unsupported("a shape that mixes rows of operator Reshape"), shaped([-1, 1]))
        #expect(try ModelParser.parse(shaped([-1, 2]).span).outputCount == 2)
        let model = try ModelParser.parse(
            trees(Self.stump, Self.leaves, behind: ("", "Sigmoid", ["t"], ["y"])).span)
        #expect(model.transform == .logistic)
    }

    @Test func treesThatAreNoTreesAreRefused() throws {
        // Each byte of the children's numbers of a sound ensemble set to another node: cycles, shared and lost nodes.
        let sound = try Self.read("modes-strict-sum")
        let name = Data("nodes_truenodeids".utf8)
        let start = try #require(Data(sound).range(of: name)).upperBound
        var refusedCount = 0
        for offset in start + 4..<start + 60 {
            var bytes = sound
            bytes[offset] = 0
            do throws(ModelFormatError) { _ = try ModelParser.parse(bytes.span) } catch { refusedCount += 1 }
        }
        #expect(refusedCount > 10)
    }
}
