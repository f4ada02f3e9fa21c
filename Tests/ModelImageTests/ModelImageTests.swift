import ModelImage
import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct ModelImageTests {
    private let digest = (0..<32).map { UInt8($0) }

    private func description(
        names: [String] = ["a", "b", "ключ"], labels: [String] = []
    ) throws -> ModelDescription {
        let nodes: [TreeNode] = [
            .numerical(feature: 0, threshold: 0.5, missing: .nanLeft, left: 1, right: 2),
            .numerical(feature: 0, threshold: -1, missing: .nanRight, left: 3, right: 4), .leaf(1),
            .categorical(feature: 2, set: 0, missing: .nanLeft, left: 5, right: 6), .leaf(2), .leaf(3), .leaf(4),
        ]
        let forest = try Forest(
            featureCount: 3, inputType: .float32, accumulator: .float32, comparison: .less, categoryRule: .nonNegative,
            trees: [Forest.Tree(nodes: nodes, margin: 0), Forest.Tree(nodes: [.leaf(7)], margin: 1)],
            categorySets: [[0b1010]],
            startValues: [0.25, 0])
        return ModelDescription(
            predictor: .forest(forest), featureNames: names, transform: .softmax, objective: "multi:softprob",
            bestIteration: nil,
            source: ModelSource(format: .xgboostUBJSON, writerVersion: "3.2.0"), classLabels: labels)
    }

    private func withMemory(_ bytes: [UInt8], offset: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows
    {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 64, alignment: 64)
        defer { memory.deallocate() }
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + bytes.count])
        place.copyBytes(from: bytes)
        try body(UnsafeRawBufferPointer(place))
    }

    @Test func saysWhatTheDescriptionSaid() throws {
        let image = try ImageCompiler.compile(description(), artifactDigest: digest)
        try withMemory(image) { bytes in
            let view = try ModelImageView(validating: bytes)
            #expect(view.featureCount == 3 && view.marginCount == 2 && view.outputCount == 2 && view.treeCount == 2)
            #expect(view.featureNames() == ["a", "b", "ключ"])
            #expect(
                view.objective() == "multi:softprob" && view.sourceFormat() == "xgboost-ubjson"
                    && view.writerVersion() == "3.2.0")
            #expect(view.artifactDigest == digest && view.sizeBytes == image.count && view.transform == .softmax)
            #expect(view.inputType == .float32 && view.outputType == .float32 && view.comparison == .less)
            // Feature 0 with two rules, and one of categories.
            #expect(view.slotCount == 3 && view.numericalSlotCount == 2)
        }
    }

    @Test func theSameDescriptionMakesTheSameBytes() throws {
        #expect(
            try ImageCompiler.compile(description(), artifactDigest: digest)
                == ImageCompiler.compile(description(), artifactDigest: digest))
    }

    @Test func namesMayBeAbsent() throws {
        try withMemory(try ImageCompiler.compile(description(names: []), artifactDigest: digest)) { bytes in
            let view = try ModelImageView(validating: bytes)
            #expect(view.featureNames() == [])
        }
    }

    @Test func classesMayHaveLabels() throws {
        for labels in [[], ["", "größer"], ["a", String(repeating: "b", count: 256)]] {
            try withMemory(try ImageCompiler.compile(description(labels: labels), artifactDigest: digest)) { bytes in
                let view = try ModelImageView(validating: bytes)
                #expect(view.classLabels() == labels)
            }
        }
        let long = try description(labels: ["a", String(repeating: "b", count: 257)])
        #expect(throws: ImageCompilerError.labelTooLong(byteCount: 257)) {
            try ImageCompiler.compile(long, artifactDigest: digest)
        }
    }

    @Test func refusesLabelsThatAreNotOneForEachPrediction() throws {
        let image = try ImageCompiler.compile(description(labels: ["ab", "cd"]), artifactDigest: digest)
        let entry = 128 + 16 * 22
        func number(_ offset: Int) -> Int { (0..<8).reduce(0) { $0 | Int(image[offset + $1]) << (8 * $1) } }
        let start = number(entry)
        #expect(number(entry + 8) == 12)
        func expect(_ error: ModelImageError, _ change: (inout [UInt8]) -> Void) {
            var bytes = image
            change(&bytes)
            withMemory(bytes) { bytes in #expect(throws: error) { try ModelImageView(validating: bytes) } }
        }
        // One label too few, one cut short, one longer than the section and one that is no UTF-8.
        expect(.section(22)) { $0[entry + 8] = 6 }
        expect(.texts) { $0[entry + 8] = 10 }
        expect(.texts) { $0[start] = 9 }
        expect(.texts) { $0[start + 3] = 0xFF }
        expect(.texts) { $0[start + 4] = 0xFF }
        // A third one, empty.
        expect(.section(22)) { $0[entry + 8] = 16 }
        // One longer than is allowed, though it is all there.
        var long = image
        long.removeLast(long.count - start)
        for byte in [0x01, 0x01, 0, 0] + [UInt8](repeating: 0x61, count: 257) + [0, 0, 0, 0] { long.append(byte) }
        let count = long.count - start
        long += [UInt8](repeating: 0, count: (64 - long.count % 64) % 64)
        for index in 0..<8 {
            long[entry + 8 + index] = UInt8(truncatingIfNeeded: count >> (8 * index))
            long[16 + index] = UInt8(truncatingIfNeeded: long.count >> (8 * index))
        }
        withMemory(long) { bytes in #expect(throws: ModelImageError.texts) { try ModelImageView(validating: bytes) } }
    }

    @Test func refusesADigestOfAnotherLength() throws {
        let model = try description()
        #expect(throws: ImageCompilerError.digest(byteCount: 31)) {
            try ImageCompiler.compile(model, artifactDigest: Array(repeating: 0, count: 31))
        }
    }

    @Test func refusesWhatIsNoImage() throws {
        let image = try ImageCompiler.compile(description(), artifactDigest: digest)
        func expect(_ error: ModelImageError, offset: Int = 0, _ change: (inout [UInt8]) -> Void) {
            var bytes = image
            change(&bytes)
            withMemory(bytes, offset: offset) { bytes in
                #expect(throws: error) { try ModelImageView(validating: bytes) }
            }
        }
        expect(.length(stated: 0, found: 0)) { $0 = [] }
        expect(.length(stated: UInt64(image.count), found: image.count - 1)) { $0.removeLast() }
        expect(.length(stated: UInt64(image.count), found: image.count + 1)) { $0.append(0) }
        expect(.misaligned, offset: 4) { _ in }
        expect(.magic) { $0[0] ^= 1 }
        expect(.version(9)) { $0[8] = 9 }
        expect(.header(offset: 10)) { $0[10] = 9 }
        expect(.header(offset: 15)) { $0[15] = 200 }
        expect(.header(offset: 28)) { $0.replaceSubrange(28..<32, with: [0, 0, 0, 0]) }
        // A section that starts before the one in front of it, and one that runs out of the image.
        expect(.section(1)) { $0[128 + 16 + 1] = 0 }
        expect(.section(8)) { $0[128 + 8 * 16 + 15] = 0x7F }
    }

    /// What the image says twice must say the same.
    @Test(arguments: [9, 12, 13, 14, 15, 16]) func refusesTablesAtOddsWithTheRest(section: Int) throws {
        let trees = (0..<20).map { index in
            Forest.Tree(
                nodes: [
                    .numerical(feature: 0, threshold: Double(index), missing: .nanRight, left: 1, right: 2),
                    .leaf(Double(index)), .leaf(0.5),
                ], margin: 0)
        }
        let forest = try Forest(
            featureCount: 1, inputType: .float64, accumulator: .float64, comparison: .lessOrEqual,
            categoryRule: .truncated, trees: trees, categorySets: [], startValues: [0])
        let model = ModelDescription(
            predictor: .forest(forest), featureNames: [], transform: .identity, objective: "", bestIteration: nil,
            source: ModelSource(format: .lightGBMText, writerVersion: "v4"))
        let image = try ImageCompiler.compile(model, artifactDigest: digest)
        let entry = 128 + 16 * section
        func number(_ offset: Int) -> Int { (0..<8).reduce(0) { $0 | Int(image[offset + $1]) << (8 * $1) } }
        let (start, count) = (number(entry), number(entry + 8))
        #expect(count > 0)
        // Among the pivots: a threshold, and NaNs that become numbers.
        let changes: [UInt8] = section == 9 ? [1, 0x08, 0x7F] : [1, 1, 1]
        for (offset, change) in zip([start, start + count / 2 / 8 * 8 + 6, start + count - 1], changes) {
            var bytes = image
            bytes[offset] ^= change
            withMemory(bytes) { bytes in
                #expect(throws: ModelImageError.section(section)) { try ModelImageView(validating: bytes) }
            }
        }
    }
}
