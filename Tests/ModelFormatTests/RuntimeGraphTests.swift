import Foundation
import ModelFormat
import ModelTypes
import PropertyTesting
import Testing

/// Graphs that are not translated: described for a library where that is allowed, else refused as before.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct RuntimeGraphTests {
    private static let names = ["convolution", "attention", "two-towers", "recurrent", "doubles"]

    private func read(_ path: String) throws -> [UInt8] {
        let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Graphs/"
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder + path)))
    }

    private func refusal(_ bytes: [UInt8], allowsRuntime: Bool) -> ModelFormatError? {
        do throws(ModelFormatError) {
            _ = try ModelParser.parse(bytes.span, allowsRuntime: allowsRuntime)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        ("convolution", "operator Conv"), ("attention", "operator LayerNormalization"),
        ("two-towers", "operator ReduceSum"), ("recurrent", "operator Transpose"), ("doubles", "float64 input x"),
    ])
    func withoutPermissionTheOperatorIsNamed(name: String, what: String) throws {
        let error = refusal(try read("\(name)/model.onnx"), allowsRuntime: false)
        #expect(error?.reason == .unsupported(what) && error?.runsElsewhere == true)
    }

    @Test(arguments: names) func withPermissionTheGraphIsDescribed(name: String) throws {
        let bytes = try read("\(name)/model.onnx")
        let model = try ModelParser.parse(bytes.span, allowsRuntime: true)
        guard case .graph(let graph) = model.predictor else {
            Issue.record("no graph")
            return
        }
        #expect(graph.bytes == bytes && model.transform == .identity && model.objective == "graph")
        #expect(model.source == ModelSource(format: .onnx, writerVersion: "make-graph-vectors 1"))
        #expect(model.featureCount == graph.interface.featureCount && model.outputCount == graph.interface.outputCount)
        switch name {
        case "convolution": #expect(model.featureCount == 24 && model.outputCount == 1 && model.featureNames == [])
        case "attention": #expect(model.featureCount == 40 && model.outputCount == 3)
        case "two-towers":
            #expect(model.featureNames == ["ids.0", "ids.1", "ids.2", "site", "x.0", "x.1", "x.2", "x.3"])
        case "recurrent": #expect(graph.interface.takesOneRow && model.outputCount == 2)
        default: #expect(graph.interface.inputType == .float64 && graph.interface.outputType == .float64)
        }
    }

    @Test func whatIsTranslatedStaysTranslated() throws {
        for name in ["mlp", "sk-tree", "embedding"] {
            let bytes = try modelVector("onnx-\(name)/model.onnx")
            #expect(
                try ModelParser.parse(bytes.span, allowsRuntime: true)
                    == ModelParser.parse(bytes.span, allowsRuntime: false))
        }
    }

    @Test(arguments: [
        ("zipmap", "output y is a sequence, not a tensor"),
        ("texts", "a graph without an output of float32 or float64"),
        ("unknown-width", "input x has a dimension that is not given"),
        ("half", "input x has type 10, not float32, float64, int32 or int64"),
        ("eight-rows", "input x is fixed to 8 rows"), ("mean-of-rows", "output y is fixed to 1 rows"),
    ])
    func whatFitsNoRowsIsRefusedEitherWay(name: String, what: String) throws {
        let bytes = try read("refused/\(name).onnx")
        #expect(refusal(bytes, allowsRuntime: true)?.reason == .unsupported(what))
        let without = refusal(bytes, allowsRuntime: false)
        #expect(without != nil && without?.runsElsewhere == false)
    }

    @Test(arguments: names) func aFileThatIsCutIsRefused(name: String) throws {
        let bytes = try read("\(name)/model.onnx")
        // What follows the graph is the operator sets, which do not bear on the description.
        for length in stride(from: 0, to: bytes.count - 64, by: 7) {
            let error = refusal(Array(bytes.prefix(length)), allowsRuntime: true)
            #expect(error != nil && error?.runsElsewhere == false, "\(length) of \(bytes.count)")
        }
    }

    @Test func changedFilesAreRefusedOrSound() throws {
        let corpus = try Self.names.map { try read("\($0)/model.onnx") }
        var takenCount = 0
        Fuzz.run(corpus: corpus) { bytes in
            do throws(ModelFormatError) {
                let model = try ModelParser.parse(bytes.span, allowsRuntime: true)
                takenCount += 1
                #expect(model.featureCount > 0 && (1...4096).contains(model.outputCount))
            } catch {
                #expect(error.offset <= bytes.count && !error.description.isEmpty)
            }
        }
        #expect(takenCount > 0)
    }
}
