import ModelTypes
import PropertyTesting
import Testing

@testable import ModelImage

/// Names and categories in an image: found exactly, within bounds, whatever the bytes.
@Suite(.timeLimit(.minutes(3))) struct TextTableTests {
    /// An image's section in aligned memory.
    private final class Section {
        let memory: UnsafeMutableRawBufferPointer
        init(_ bytes: ArraySlice<UInt8>) {
            memory = .allocate(byteCount: bytes.count, alignment: 64)
            memory.copyBytes(from: bytes)
        }
        deinit { memory.deallocate() }
    }

    private static func section(_ names: [String], _ encoders: [FeatureEncoders.Encoder]) throws -> [UInt8] {
        let tables = try TextTableCompiler(names: names, encoders: encoders)
        var writer = ImageWriter()
        writer.section(.encoders) { tables.write(to: &$0) }
        return Array(writer.bytes[ImageHeader.byteCount...])
    }

    private static func number(_ tables: TextTables, _ text: String, _ feature: Int) -> Double? {
        Array(text.utf8).withUnsafeBytes { tables.number(of: $0, feature: feature) }
    }

    @Test func textsAreFoundAsADictionaryFindsThem() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<60 {
            let featureCount = Int.random(in: 1...20, using: &random)
            let names = Bool.random(using: &random) ? (0..<featureCount).map { "name \($0)" } : []
            var dictionaries: [Int: [String: Double]] = [:]
            var encoders: [FeatureEncoders.Encoder] = []
            for feature in 0..<featureCount where Bool.random(using: &random) {
                var dictionary: [String: Double] = [:]
                for _ in 0..<[0, 1, 3, 200].randomElement(using: &random)! {
                    dictionary[Self.text(&random)] = Double.random(in: -5...5, using: &random)
                }
                dictionaries[feature] = dictionary
                encoders.append(
                    FeatureEncoders.Encoder(
                        feature: feature,
                        categories: dictionary.sorted { $0.key < $1.key }.map { .init(text: $0.key, number: $0.value) },
                        unknown: -1))
            }
            let section = Section(try Self.section(names, encoders)[...])
            let tables = try TextTables(validating: UnsafeRawBufferPointer(section.memory), featureCount: featureCount)
            for feature in 0..<featureCount {
                #expect(tables.isEncoded(feature) == (dictionaries[feature] != nil))
                let known = dictionaries[feature].map { Array($0.keys) } ?? []
                for text in known + (0..<20).map({ _ in Self.text(&random) }) {
                    #expect(Self.number(tables, text, feature) == dictionaries[feature].map { $0[text] ?? -1 })
                }
            }
            for (feature, name) in names.enumerated() {
                #expect(Array(name.utf8).withUnsafeBytes { tables.featureIndex(named: $0) } == feature)
            }
            #expect(Array("name".utf8).withUnsafeBytes { tables.featureIndex(named: $0) } == nil)
        }
    }

    @Test func aNameOfTwoFeaturesFindsNeither() throws {
        let section = Section(try Self.section(["a", "b", "a"], [])[...])
        let tables = try TextTables(validating: UnsafeRawBufferPointer(section.memory), featureCount: 3)
        func index(_ name: String) -> Int? { Array(name.utf8).withUnsafeBytes { tables.featureIndex(named: $0) } }
        #expect(index("a") == nil && index("b") == 1)
    }

    /// Changed bytes are refused, or found in bounds: memory behind the section is not the test's.
    @Test func textsThatDifferInOneByteAreNotTheSame() {
        for count in 0..<40 {
            let text = (0..<count).map { UInt8($0) }
            text.withUnsafeBytes { left in
                for index in 0..<count {
                    var other = text
                    other[index] ^= 0x80
                    other.withUnsafeBytes { #expect(!TextTables.isSame(left, $0)) }
                }
                Array(text).withUnsafeBytes { #expect(TextTables.isSame(left, $0)) }
                (text + [0]).withUnsafeBytes { #expect(!TextTables.isSame(left, $0)) }
            }
        }
    }

    @Test func changedTablesAreRefusedOrSound() throws {
        var random = SeededGenerator.printed()
        let encoder = FeatureEncoders.Encoder(
            feature: 1, categories: (0..<30).map { .init(text: "category \($0)", number: Double($0)) }, unknown: .nan)
        let sound = try Self.section(["a", "b"], [encoder])
        var refusedCount = 0
        for _ in 0..<3000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let limit = Bool.random(using: &random) ? 80 : bytes.count
                bytes[Int.random(in: 0..<limit, using: &random)] = [0, 1, 2, 0x7F, 0x80, 0xFF].randomElement(
                    using: &random)!
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
            }
            let section = Section(bytes[...])
            do throws(ModelImageError) {
                let tables = try TextTables(validating: UnsafeRawBufferPointer(section.memory), featureCount: 2)
                for text in ["a", "b", "category 7", "nothing"] {
                    for feature in -1...3 { _ = Self.number(tables, text, feature) }
                    let index = Array(text.utf8).withUnsafeBytes { tables.featureIndex(named: $0) }
                    #expect(index == nil || (0..<2).contains(index!))
                }
            } catch { refusedCount += 1 }
        }
        #expect(refusedCount > 500)
    }

    /// Every slot taken and no text among them: a search still ends.
    @Test func fullTablesEndASearch() throws {
        var bytes = [UInt8](repeating: 0, count: 16 + 32 + 16 + 4 * 256)
        func put(_ value: UInt32, _ offset: Int) {
            for shift in 0..<4 { bytes[offset + shift] = UInt8(truncatingIfNeeded: value >> UInt32(8 * shift)) }
        }
        for (index, value) in [1, 1, 256, 0].enumerated() { put(UInt32(value), 4 * index) }
        for (index, value) in [0, 0, 1, 0, 256, 0].enumerated() { put(UInt32(value), 16 + 4 * index) }
        for slot in 0..<256 { put(1, 64 + 4 * slot) }
        let section = Section(bytes[...])
        let tables = try TextTables(validating: UnsafeRawBufferPointer(section.memory), featureCount: 1)
        #expect(Self.number(tables, "", 0) == 0 && Self.number(tables, "x", 0) == 0)
    }

    @Test func imagesCarryThemBesideTheirModel() throws {
        let linear = try LinearPredictor(featureCount: 2, accumulator: .float32, startValues: [0], weights: [1, 2])
        let model = ModelDescription(
            predictor: .linear(linear), featureNames: ["site", "hour"], transform: .identity, objective: "test",
            bestIteration: nil, source: ModelSource(format: .xgboostJSON, writerVersion: ""))
        let encoders = try FeatureEncoders(
            [.init(feature: 0, categories: [.init(text: "ü", number: 4)], unknown: .nan)], featureCount: 2)
        let image = try ImageCompiler.compile(
            model, artifactDigest: Array(repeating: 1, count: 32), encoders: encoders)
        let section = Section(image[...])
        let view = try ModelImageView(validating: UnsafeRawBufferPointer(section.memory))
        #expect(view.featureIndex(named: Array("hour".utf8).span) == 1)
        #expect(view.featureIndex(named: Array("Hour".utf8).span) == nil)
        #expect(view.isEncoded(0) && !view.isEncoded(1))
        #expect(view.encodedNumber(of: Array("ü".utf8).span, feature: 0) == 4)
        #expect(view.encodedNumber(of: Array("u".utf8).span, feature: 0)?.isNaN == true)
        #expect(view.encodedNumber(of: Array("ü".utf8).span, feature: 1) == nil)
        #expect(view.featureNames() == ["site", "hour"])
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        String((0..<Int.random(in: 0...3, using: &random)).map { _ in "abcdé".randomElement(using: &random)! })
    }
}
