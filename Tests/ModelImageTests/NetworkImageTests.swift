import ModelImage
import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct NetworkImageTests {
    private func image() throws -> [UInt8] {
        let network = try Network(
            widths: [3, 20, 2],
            layers: [
                Network.Layer(
                    .dense(weights: Array(repeating: 0.5, count: 60), bias: Array(repeating: 1, count: 20)),
                    input: Network.Place(buffer: 0, count: 3), output: Network.Place(buffer: 1, count: 20),
                    activation: .relu),
                Network.Layer(
                    .dense(weights: Array(repeating: 0.25, count: 40), bias: [1, 2]),
                    input: Network.Place(buffer: 1, count: 20), output: Network.Place(buffer: 2, count: 2)),
            ], output: Network.Place(buffer: 2, count: 2))
        let model = ModelDescription(
            predictor: .network(network), featureNames: ["a", "b", "c"], transform: .softmax, objective: "network",
            bestIteration: nil, source: ModelSource(format: .onnx, writerVersion: "x"))
        return try ImageCompiler.compile(model, artifactDigest: Array(repeating: 1, count: 32))
    }

    private func withMemory(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        try body(UnsafeRawBufferPointer(memory))
    }

    /// Where a section begins.
    private func start(of section: Int, _ image: [UInt8]) -> Int {
        (0..<8).reduce(0) { $0 | Int(image[128 + section * 16 + $1]) << (8 * $1) }
    }

    @Test func saysWhatTheDescriptionSaid() throws {
        try withMemory(try image()) { bytes in
            let view = try ModelImageView(validating: bytes)
            #expect(view.isNetwork && view.featureCount == 3 && view.marginCount == 2 && view.outputCount == 2)
            #expect(view.layers.count == 2 && view.layers[0].operation == 1 && view.layers[1].operation == 2)
            #expect(view.buffers.map(\.width) == [3, 20, 2] && view.buffers.map(\.start) == [0, 0, 32])
            #expect(view.sourceFormat() == "onnx" && view.featureNames() == ["a", "b", "c"])
            #expect(view.inputType == .float32 && view.outputType == .float32)
        }
    }

    /// A field of the first layer's record, by its number, and what it is set to.
    @Test(
        arguments: [
            (0, 0), (0, 99), (1, 7), (3, 9), (3, 1), (4, 1), (5, 0), (5, 4), (8, 1), (9, 0), (9, 3), (10, 1), (11, 0),
            (11, 21), (12, 1 << 20),
        ] as [(Int, UInt32)])
    func recordsThatLeadAstrayAreRefused(field: Int, value: UInt32) throws {
        var bytes = try image()
        let at = start(of: 10, bytes) + field * 4
        for shift in 0..<4 { bytes[at + shift] = UInt8(truncatingIfNeeded: value >> UInt32(8 * shift)) }
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.layer(0)) { try ModelImageView(validating: bytes) }
        }
    }

    @Test func buffersThatOverlapAreRefused() throws {
        var bytes = try image()
        // The last buffer's start.
        bytes[start(of: 10, bytes) + 2 * 64 + 2 * 8 + 4] = 16
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.buffer(2)) { try ModelImageView(validating: bytes) }
        }
    }

    @Test func aResultThatNobodyWroteIsRefused() throws {
        var bytes = try image()
        bytes[start(of: 10, bytes) + 2 * 64 + 3 * 8 + 4] = 1
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.header(offset: 28)) { try ModelImageView(validating: bytes) }
        }
    }

    @Test func aPairIsMadeOfOneMarginOnly() throws {
        var bytes = try image()
        bytes[15] = 16
        withMemory(bytes) { bytes in
            #expect(throws: ModelImageError.header(offset: 15)) { try ModelImageView(validating: bytes) }
        }
    }
}
