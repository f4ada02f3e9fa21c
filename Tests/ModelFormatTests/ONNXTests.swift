import Foundation
import ModelFormat
import ModelTypes
import PropertyTesting
import Protobuf
import Testing

/// ONNX files that are broken, hostile or beyond what is served: each is refused by name, or is a sound model.
struct ONNXTests {
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
            for (domain, operation, inputs, outputs) in nodes {
                graph.message(1) { node in
                    for input in inputs { node.data(1, input.utf8) }
                    for output in outputs { node.data(2, output.utf8) }
                    node.string(4, operation)
                    node.string(7, domain)
                }
            }
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
