import ModelFormat
import ModelTypes
import PropertyTesting
import Testing

/// A field of ONNX's messages, an attribute of its operators or a field of CatBoost's tables that no reader knows is refused by name.
@Suite(.timeLimit(.minutes(3))) struct UnknownFieldTests {
    private static let graphs = [
        "mlp", "keras", "embedding", "arithmetic", "sk-boosting", "xgboost-classes", "sk-logistic",
    ]
    /// The messages by the fields that lead to them.
    private static let messages: [(path: [Int], name: String)] = [
        ([], "ModelProto"), ([7], "GraphProto"), ([7, 1], "NodeProto"), ([7, 1, 5], "AttributeProto"),
        ([7, 5], "TensorProto"), ([7, 11], "ValueInfoProto"), ([7, 12], "ValueInfoProto"), ([7, 11, 2], "TypeProto"),
        ([7, 11, 2, 1], "TypeProto.Tensor"), ([7, 11, 2, 1, 2], "TensorShapeProto"),
        ([7, 11, 2, 1, 2, 1], "TensorShapeProto.Dimension"),
    ]

    @Test(arguments: graphs) func fieldsOfMessagesAreKnown(name: String) throws {
        var random = SeededGenerator.printed(name)
        let bytes = try modelVector("onnx-\(name)/model.onnx")
        for (path, message) in Self.messages {
            // Number 99, a varint.
            let field: [UInt8] = [0x98, 0x06, 0x01]
            // The first field says what file it is.
            guard
                let changed = path.isEmpty
                    ? bytes + field : Self.inserting(field, into: bytes, path[...], &random)
            else { continue }
            let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(changed.span) }
            #expect(error?.reason == .unsupported("field 99 of \(message)"), "\(String(describing: error))")
        }
    }

    /// Operators that no prediction needs may have any.
    @Test(arguments: graphs) func attributesOfOperatorsAreKnown(name: String) throws {
        var random = SeededGenerator.printed(name)
        let bytes = try modelVector("onnx-\(name)/model.onnx")
        let sound = try ModelParser.parse(bytes.span)
        let attribute = [0x0A, 11] + Array("unknown_key".utf8) + [0x18, 1, 0xA0, 0x01, 2]
        var refusedCount = 0
        for _ in 0..<12 {
            let changed = try #require(
                Self.inserting([0x2A, UInt8(attribute.count)] + attribute, into: bytes, [7, 1], &random))
            do throws(ModelFormatError) {
                #expect(try ModelParser.parse(changed.span).predictor == sound.predictor)
            } catch {
                refusedCount += 1
                #expect(error.description.hasPrefix("not supported: attribute unknown_key of operator "), "\(error)")
            }
        }
        #expect(refusedCount > 0)
    }

    /// The message with a field more at the beginning of one that the path leads to, where there are several of any of them.
    private static func inserting(
        _ field: [UInt8], into message: [UInt8], _ path: ArraySlice<Int>, _ random: inout SeededGenerator
    ) -> [UInt8]? {
        guard let number = path.first else { return field + message }
        var places: [(start: Int, content: Range<Int>)] = []
        var position = 0
        func varint() -> Int {
            var (value, shift) = (0, 0)
            while true {
                let byte = message[position]
                position += 1
                value |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { return value }
            }
        }
        while position < message.count {
            let start = position
            let tag = varint()
            switch tag & 7 {
            case 0: _ = varint()
            case 1: position += 8
            case 5: position += 4
            default:
                let length = varint()
                if tag >> 3 == number { places.append((start, position..<position + length)) }
                position += length
            }
        }
        for place in places.shuffled(using: &random) {
            let content = Array(message[place.content])
            guard let inner = inserting(field, into: content, path.dropFirst(), &random) else { continue }
            var length: [UInt8] = []
            var rest = inner.count
            repeat {
                length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
                rest >>= 7
            } while rest > 0
            return message[..<place.start] + [UInt8(number << 3 | 2)] + length + inner
                + message[place.content.upperBound...]
        }
        return nil
    }

    // MARK: cbm

    /// Fields by which tables lead to others: of the core the trees, of those their features and what splits ask.
    private static let tables: [(path: [(field: Int, isVector: Bool)], name: String, fieldCount: Int)] = [
        ([], "TModelCore", 4), ([(1, false)], "TModelTrees", 19), ([(2, true)], "TKeyValue", 2),
        ([(1, false), (5, true)], "TFloatFeature", 6), ([(1, false), (4, true)], "TCatFeature", 4),
        ([(1, false), (6, true)], "TOneHotFeature", 3), ([(1, false), (7, true)], "TCtrFeature", 2),
        ([(1, false), (7, true), (0, false)], "TModelCtr", 6),
        ([(1, false), (7, true), (0, false), (0, false)], "TModelCtrBase", 3),
        ([(1, false), (7, true), (0, false), (0, false), (0, false)], "TFeatureCombination", 3),
    ]

    @Test(arguments: ["catboost-combinations", "catboost-one-hot", "catboost-lossguide"])
    func fieldsOfTablesAreKnown(name: String) throws {
        var random = SeededGenerator.printed(name)
        let bytes = try modelVector(name + "/model.cbm")
        var count = 0
        for (path, table, fieldCount) in Self.tables {
            guard let changed = FlatBufferEditor(bytes).addingField(fieldCount, at: path, &random) else { continue }
            count += 1
            let error = #expect(throws: ModelFormatError.self, "\(table)") { try ModelParser.parse(changed.span) }
            #expect(error?.reason == .unsupported("field \(fieldCount) of \(table)"), "\(String(describing: error))")
        }
        #expect(count >= 4)
    }
}

/// Gives a table of a cbm file one field more.
private struct FlatBufferEditor {
    private let head: [UInt8]
    private var core: [UInt8]
    private let tail: [UInt8]

    init(_ file: [UInt8]) {
        head = Array(file[..<4])
        let length = Int(file[4]) | Int(file[5]) << 8 | Int(file[6]) << 16 | Int(file[7]) << 24
        core = Array(file[8..<8 + length])
        tail = Array(file[(8 + length)...])
    }

    private func load(_ position: Int, _ width: Int) -> Int {
        (0..<width).reduce(0) { $0 | Int(core[position + $1]) << (8 * $1) }
    }

    private static func bytes(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// - Returns: nil where no table lies at the path's end.
    func addingField(
        _ field: Int, at path: [(field: Int, isVector: Bool)], _ random: inout SeededGenerator
    ) -> [UInt8]? {
        var table = load(0, 4)
        for step in path {
            let vtable = table - Int(Int32(truncatingIfNeeded: load(table, 4)))
            guard 4 + 2 * step.field < load(vtable, 2) else { return nil }
            let offset = load(vtable + 4 + 2 * step.field, 2)
            guard offset > 0 else { return nil }
            var position = table + offset
            if step.isVector {
                let vector = position + load(position, 4)
                guard load(vector, 4) > 0 else { return nil }
                position = vector + 4 + 4 * Int.random(in: 0..<load(vector, 4), using: &random)
            }
            table = position + load(position, 4)
        }
        var edited = self
        let vtable = table - Int(Int32(truncatingIfNeeded: load(table, 4)))
        // The old entries, then none up to the new field, which lies where the table begins.
        var entries = Array(core[vtable + 4..<vtable + load(vtable, 2)])
        entries += Array(repeating: 0, count: max(0, 2 * field - entries.count)) + Self.bytes(4, 2)
        if edited.core.count % 2 == 1 { edited.core.append(0) }
        let place = edited.core.count
        edited.core += Self.bytes(4 + entries.count, 2) + Array(core[vtable + 2..<vtable + 4]) + entries
        edited.core.replaceSubrange(table..<table + 4, with: Self.bytes(table - place, 4))
        return head + Self.bytes(edited.core.count, 4) + edited.core + tail
    }
}
