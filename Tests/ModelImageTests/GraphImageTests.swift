import ModelImage
import ModelTypes
import PropertyTesting
import Testing

/// Images of graphs that a library runs.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct GraphImageTests {
    private func image(bytes: [UInt8] = Array("a graph".utf8), outputs: Int = 2) throws -> [UInt8] {
        let interface = try GraphInterface(
            inputs: [
                GraphInterface.Port(name: "a", kind: .tensor(element: 1, dimensions: [nil])),
                GraphInterface.Port(name: "b", kind: .tensor(element: 7, dimensions: [nil])),
            ], outputs: [GraphInterface.Port(name: "y", kind: .tensor(element: 1, dimensions: [nil, outputs]))])
        let model = ModelDescription(
            predictor: .graph(RuntimeGraph(bytes: bytes, interface: interface)), featureNames: interface.featureNames,
            transform: .identity, objective: "graph", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: "x"))
        return try ImageCompiler.compile(model, artifactDigest: Array(repeating: 1, count: 32))
    }

    private func withMemory(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        try body(UnsafeRawBufferPointer(memory))
    }

    @Test func saysWhatTheDescriptionSaid() throws {
        try withMemory(try image()) { bytes in
            let view = try ModelImageView(validating: bytes)
            #expect(view.isGraph && !view.isNetwork && !view.isLinear && !view.isFactorized)
            #expect(view.featureCount == 2 && view.marginCount == 2 && view.outputCount == 2)
            #expect(view.inputType == .float64 && view.outputType == .float32 && view.treeCount == 0)
            #expect(view.featureNames() == ["a", "b"] && view.objective() == "graph" && view.sourceFormat() == "onnx")
            #expect(view.graph.elementsEqual("a graph".utf8))
            #expect(view.featureIndex(named: Array("b".utf8).span) == 1)
        }
    }

    @Test func anImageWithoutItsGraphIsRefused() throws {
        withMemory(try image(bytes: [])) { bytes in
            #expect(throws: ModelImageError.section(18)) { try ModelImageView(validating: bytes) }
        }
    }

    @Test func aTransformIsRefused() throws {
        var bytes = try image()
        bytes[15] = 1
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.header(offset: 15)) { try ModelImageView(validating: bytes) }
        }
    }

    /// A section of kernels, empty but there, where the next one begins.
    @Test func sectionsOfKernelsAreRefused() throws {
        var bytes = try image()
        for index in 0..<8 { bytes[128 + 6 * 16 + index] = bytes[128 + 17 * 16 + index] }
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.section(6)) { try ModelImageView(validating: bytes) }
        }
    }

    @Test func otherKindsCarryNoGraph() throws {
        let linear = try LinearPredictor(featureCount: 1, accumulator: .float32, startValues: [0], weights: [1])
        let model = ModelDescription(
            predictor: .linear(linear), featureNames: [], transform: .identity, objective: "", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: ""))
        try withMemory(try ImageCompiler.compile(model, artifactDigest: Array(repeating: 1, count: 32))) { bytes in
            let view = try ModelImageView(validating: bytes)
            #expect(!view.isGraph && view.graph.isEmpty)
        }
    }

    @Test func changedImagesAreRefusedOrSound() throws {
        let corpus = [try image(), try image(bytes: Array(repeating: 8, count: 500), outputs: 1)]
        Fuzz.run(corpus: corpus) { bytes in
            withMemory(bytes) { memory in
                do throws(ModelImageError) {
                    let view = try ModelImageView(validating: memory)
                    #expect(!view.isGraph || view.graph.count <= bytes.count && !view.graph.isEmpty)
                } catch { #expect(!"\(error)".isEmpty) }
            }
        }
    }
}
