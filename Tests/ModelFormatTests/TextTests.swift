import ModelFormat
import ModelTypes
import Names
import PropertyTesting
import Protobuf
import Testing

/// Features, categories and tensors that differ in their bytes alone are several.
@Suite(.timeLimit(.minutes(3))) struct TextTests {
    private static func quoted(_ text: String) -> String { "\"\(text)\"" }

    @Test func featuresAndCategoriesOfTwinsStayApart() throws {
        for (first, second) in Twins.pairs {
            let linear = try LinearPredictor(featureCount: 2, accumulator: .float32, startValues: [0], weights: [1, 2])
            let model = ModelDescription(
                predictor: .linear(linear), featureNames: [first, second], transform: .identity, objective: "test",
                bestIteration: nil, source: ModelSource(format: .xgboostJSON, writerVersion: ""))
            let texts = "[\(Self.quoted(first)),\(Self.quoted(second))]"
            let document =
                "{\"version\":1,\"encoders\":{\(Self.quoted(second)):\(texts),\(Self.quoted(first)):[\"x\"]}}"
            let encoders = try EncodersDocument.parse(Array(document.utf8).span, for: model).encoders.encoders
            #expect(encoders.map(\.feature) == [0, 1])
            #expect(encoders[1].categories.map { Name($0.text.text) } == [Name(first), Name(second)])
            #expect(encoders[0].categories.count == 1)

            // Names that only look like the model's are not the model's.
            let others = "{\"version\":1,\"features\":[\(Self.quoted(second)),\(Self.quoted(first))],\"encoders\":{}}"
            #expect(throws: ModelFormatError.self) {
                _ = try EncodersDocument.parse(Array(others.utf8).span, for: model)
            }
        }
    }

    /// y = x · first + second, with tensors called by twins.
    @Test(arguments: Twins.pairs) func tensorsOfTwinsAreTwo(_ first: String, _ second: String) throws {
        func node(_ operation: String, _ inputs: [String], _ output: String, in graph: inout ProtobufWriter) {
            graph.message(1) { node in
                for input in inputs { node.data(1, input.utf8) }
                node.string(2, output)
                node.string(4, operation)
            }
        }
        func port(_ name: String, _ width: UInt64, _ writer: inout ProtobufWriter) {
            writer.string(1, name)
            writer.message(2) { type in
                type.message(1) { tensor in
                    tensor.unsigned(1, 1)
                    tensor.message(2) { shape in
                        shape.message(1) { $0.string(2, "N") }
                        shape.message(1) { $0.unsigned(1, width) }
                    }
                }
            }
        }
        var file = ProtobufWriter()
        file.unsigned(1, 8)
        file.string(2, "test")
        file.message(7) { graph in
            node("MatMul", ["x", first], "m", in: &graph)
            node("Add", ["m", second], "y", in: &graph)
            for (name, shape, floats) in [(first, [2, 1], [3, 4]), (second, [1], [5])] as [(String, [Int64], [Float])] {
                graph.message(5) { tensor in
                    tensor.packed(1, shape)
                    tensor.unsigned(2, 1)
                    tensor.packed(4, floats)
                    tensor.string(8, name)
                }
            }
            graph.message(11) { port("x", 2, &$0) }
            graph.message(12) { port("y", 1, &$0) }
        }
        let model = try ModelParser.parse(file.bytes.span)
        guard case .network(let network) = model.predictor else {
            Issue.record("no network")
            return
        }
        #expect(network.layers.map(\.operation) == [.dense(weights: [3, 4], bias: [5])])
    }

    @Test(arguments: Twins.pairs) func inputsOfTwinsAreTwo(_ first: String, _ second: String) throws {
        let interface = try GraphInterface(
            inputs: [first, second].map { .init(name: $0, kind: .tensor(element: 1, dimensions: [nil, 1])) },
            outputs: [.init(name: "y", kind: .tensor(element: 1, dimensions: [nil, 1]))])
        #expect(interface.featureNames.map { Name($0) } == [Name(first), Name(second)])
    }
}
