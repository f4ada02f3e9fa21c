import ModelTypes
import PropertyTesting
import Testing

@testable import ModelImage

/// Projections and their hash tables in an image: found exactly, within bounds, whatever the bytes.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct ComputedTablesTests {
    /// Sections in aligned memory.
    private final class Sections {
        let memory: [UnsafeMutableRawBufferPointer]
        init(_ sections: [[UInt8]]) {
            memory = sections.map { bytes in
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
                memory.copyBytes(from: bytes)
                return memory
            }
        }
        deinit { for memory in memory { memory.deallocate() } }

        func tables(featureCount: Int) throws(ModelImageError) -> ComputedTables {
            try ComputedTables(
                validating: UnsafeRawBufferPointer(memory[0]), parts: UnsafeRawBufferPointer(memory[1]),
                tables: UnsafeRawBufferPointer(memory[2]), featureCount: featureCount)
        }
    }

    private static func sections(_ computed: ComputedFeatures) throws -> [[UInt8]] {
        let compiled = try ComputedCompiler(computed)
        func bytes(_ write: (inout ImageWriter) -> Void) -> [UInt8] {
            var writer = ImageWriter()
            let start = writer.bytes.count
            write(&writer)
            return Array(writer.bytes[start...])
        }
        return [
            bytes { compiled.writeProjections(to: &$0) }, bytes { compiled.writeParts(to: &$0) },
            bytes { compiled.writeTables(to: &$0) },
        ]
    }

    /// Features 1 and 3 of five are texts.
    private static func computed(_ keys: [[UInt64]]) -> ComputedFeatures {
        let parts: [ComputedFeatures.Part] = [
            .category(column: 1), .isAbove(column: 0, threshold: 0.5, nanIsAbove: true),
            .isCategory(column: 3, category: .max), .isAbove(column: 4, threshold: -1, nanIsAbove: false),
        ]
        return ComputedFeatures(
            textColumns: [1, 3],
            projections: keys.enumerated().map { number, keys in
                ComputedFeatures.Projection(
                    parts: Array(parts[...(number % 4)]), keys: keys,
                    columns: (0...number % 3).map { column in
                        ComputedFeatures.Column(
                            values: keys.indices.map { Float($0 * 10 + column) }, other: Float(-1 - column))
                    })
            })
    }

    @Test func keysAreFoundAsADictionaryFindsThem() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<40 {
            let keys = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                let count = [0, 1, 2, 3, 500].randomElement(using: &random)!
                return Array(Set((0..<count).map { _ in random.next() >> UInt64.random(in: 0...62, using: &random) }))
            }
            let computed = Self.computed(keys)
            let sections = Sections(try Self.sections(computed))
            let tables = try sections.tables(featureCount: 5)
            #expect(tables.columnCount == computed.columnCount && tables.projectionCount == keys.count)
            #expect((0..<5).map(tables.isTextColumn) == [false, true, false, true, false])
            for (number, keys) in keys.enumerated() {
                let projection = tables.projections[number]
                for key in keys + (0..<20).map({ _ in random.next() }) {
                    let row = tables.row(of: key, in: projection)
                    #expect(row == (keys.firstIndex(of: key).map { $0 + 1 } ?? 0))
                    for (column, values) in computed.projections[number].columns.enumerated() {
                        let place = Int(projection.firstValue) + row * Int(projection.columnCount) + column
                        #expect(tables.values[place] == (row == 0 ? values.other : values.values[row - 1]))
                    }
                }
            }
        }
    }

    /// Each field that something rests on, one at a time.
    @Test(arguments: [
        (0, 16, 3), (0, 20, 1), (0, 20, 5),  // Columns of texts: not rising, and not of the row.
        (0, 24, 1), (0, 28, 9), (0, 28, 0), (0, 32, 1), (0, 36, 3), (0, 36, 0), (0, 40, 1), (0, 44, 9), (0, 48, 0),
        (0, 48, 200), (0, 52, 1),  // Of the first projection.
        (0, 0, 3), (0, 4, 1), (0, 4, 9), (0, 8, 9), (0, 12, 3),  // Counts.
        (1, 0, 5), (1, 0, 0), (1, 4, 0), (1, 4, 9), (1, 8, 1),  // A part's kind, column and detail.
        (2, 8, 7), (2, 8, 0),  // A slot's row: none of the table's, and free with a key.
    ])
    func fieldsAtOddsAreRefused(section: Int, offset: Int, value: UInt8) throws {
        var bytes = try Self.sections(Self.computed([[0x1_0000_0001, 0x5], [7]]))
        let sound = Sections(bytes)
        _ = try sound.tables(featureCount: 5)
        #expect(bytes[section][offset] != value)
        bytes[section][offset] = value
        let changed = Sections(bytes)
        #expect(throws: ModelImageError.self) { try changed.tables(featureCount: 5) }
    }

    @Test func keysThatCollideAreRefused() throws {
        // Both halves alike: every search begins at the first slot, however large the table.
        let keys = (1...200).map { UInt64($0) << 32 | UInt64($0) }
        #expect(throws: ImageCompilerError.hashesCollide(projection: 1)) {
            try ComputedCompiler(Self.computed([[1], keys]))
        }
        #expect(throws: Never.self) { try ComputedCompiler(Self.computed([[1], Array(keys[..<100])])) }
    }

    /// Changed bytes are refused, or found in bounds.
    @Test func changedTablesAreRefusedOrSound() throws {
        let parts = try Self.sections(Self.computed([[1, 2, 3], [0x1234_5678_9ABC_DEF0], [], [9, 8]]))
        func joined(_ sections: [[UInt8]]) -> [UInt8] {
            [UInt8(sections[0].count), UInt8(sections[1].count)] + sections.joined()
        }
        var refusedCount = 0
        let tried = Fuzz.run(corpus: [joined(parts)]) { bytes in
            guard bytes.count >= 2 else { return }
            let first = min(Int(bytes[0]), bytes.count - 2)
            let second = min(Int(bytes[1]), bytes.count - 2 - first)
            let rest = bytes[2...]
            let sections = Sections([
                Array(rest.prefix(first)), Array(rest.dropFirst(first).prefix(second)),
                Array(rest.dropFirst(first + second)),
            ])
            do throws(ModelImageError) {
                let tables = try sections.tables(featureCount: 5)
                for projection in tables.projections {
                    for key: UInt64 in [0, 1, 9, 0x1234_5678_9ABC_DEF0, .max] {
                        let row = tables.row(of: key, in: projection)
                        let place = Int(projection.firstValue) + (row + 1) * Int(projection.columnCount)
                        #expect(place <= tables.values.count)
                    }
                    #expect(Int(projection.firstPart) + Int(projection.partCount) <= tables.parts.count)
                }
                for feature in -1...6 { _ = tables.isTextColumn(feature) }
            } catch { refusedCount += 1 }
        }
        #expect(refusedCount > tried / 4)
    }

    @Test func imagesThatDoNotCompareInFloat64HaveNone() throws {
        let forest = try Forest(
            featureCount: 5, inputType: .float64, accumulator: .float64, comparison: .lessOrEqual,
            categoryRule: .nonNegative, trees: [Forest.Tree(nodes: [.leaf(1)], margin: 0)], categorySets: [],
            startValues: [0], computed: Self.computed([[1, 2]]))
        let model = ModelDescription(
            predictor: .forest(forest), featureNames: ["a", "b", "c", "d", "e"], transform: .identity, objective: "",
            bestIteration: nil, source: ModelSource(format: .catBoostBinary, writerVersion: ""))
        var image = try ImageCompiler.compile(model, artifactDigest: Array(repeating: 1, count: 32))
        let sound = Sections([image])
        let view = try ModelImageView(validating: UnsafeRawBufferPointer(sound.memory[0]))
        #expect(view.isEncoded(1) && view.isCategory(3) && !view.isEncoded(0) && view.takesTexts)
        #expect(
            view.encodedNumber(of: Array("é".utf8).span, feature: 1) == CategoryHash.number(CategoryHash.category("é")))
        #expect(view.encodedNumber(of: 17, feature: 3) == CategoryHash.number(CategoryHash.category("17")))
        #expect(view.encodedNumber(of: 17, feature: 0) == nil)
        image[ImageHeader.inputTypeOffset] = NumberType.float32.rawValue
        let changed = Sections([image])
        #expect(throws: ModelImageError.self) {
            try ModelImageView(validating: UnsafeRawBufferPointer(changed.memory[0]))
        }
        #expect(throws: ImageCompilerError.encodedCategories(feature: 3)) {
            try ImageCompiler.compile(
                model, artifactDigest: Array(repeating: 1, count: 32),
                encoders: FeatureEncoders([.init(feature: 3, categories: [], unknown: 0)], featureCount: 5))
        }
    }
}
