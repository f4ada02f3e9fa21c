import InferenceWire
import Protobuf
import Testing

/// Texts of features that have an encoder, in every form in which tensors come.
@Suite(.timeLimit(.minutes(3))) struct BytesTensorTests {
    static func input(_ name: String, _ shape: String, _ rest: String) -> String {
        #"{"inputs":[\#(tensor(name, shape, rest))]}"#
    }

    private static func tensor(_ name: String, _ shape: String, _ rest: String, _ datatype: String = "BYTES") -> String
    {
        #"{"name":"\#(name)","datatype":"\#(datatype)","shape":\#(shape),\#(rest)}"#
    }

    /// Each text behind its length.
    private static func raw(_ texts: [String]) -> [UInt8] {
        texts.flatMap { text in
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
        }
    }

    /// A body and how much of it is JSON.
    static func binary(_ name: String, _ shape: String, _ texts: [String], damage: ([UInt8]) -> [UInt8] = { $0 })
        -> ([UInt8], Int)
    {
        let bytes = damage(raw(texts))
        let json = Array(input(name, shape, #""parameters":{"binary_data_size":\#(bytes.count)}"#).utf8)
        return (json + bytes, json.count)
    }

    static func message(_ name: String, _ shape: [Int64], _ texts: [String], isRaw: Bool) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(5) { input in
            input.string(1, name)
            input.string(2, "BYTES")
            input.packed(3, shape)
            if !isRaw { input.message(5) { contents in for text in texts { contents.data(8, Array(text.utf8)) } } }
        }
        if isRaw { writer.data(7, raw(texts)) }
        return writer.bytes
    }

    private func json(_ text: String, _ signature: ModelSignature) throws -> [Double] {
        var rows = RowBuffer<Double>()
        _ = try readREST(Array(text.utf8), signature, into: &rows)
        return rows.values
    }

    private func refusal(_ step: () throws -> Void) -> String {
        do {
            try step()
            return "none"
        } catch {
            return "\(error)"
        }
    }

    private static let all = ModelSignature.encoded([0, 1, 2])

    @Test(
        arguments: [
            #""data":["a","b","c","\u0064","","weiß"]"#, #""data":[["a","b","c"],["d",null,"??"]]"#,
        ])
    func stringsOfJSONAreTexts(data: String) throws {
        let expected = [0, 1, 2, 3, .nan, -1]
        #expect(try same(json(Self.input("x", "[2,3]", data), Self.all), expected))
        // Data before what it takes to read them.
        let late = #"{"inputs":[{\#(data),"shape":[2,3],"datatype":"BYTES","name":"x"}]}"#
        #expect(try same(json(late, Self.all), expected))
    }

    @Test func bytesHaveTheirLengthsBeforeThem() throws {
        let texts = ["a", "b", "c", "d", "", "weiß"]
        let expected = [0, 1, 2, 3, .nan, -1]
        var rows = RowBuffer<Double>()
        let (body, count) = Self.binary("x", "[2,3]", texts)
        #expect(try readREST(body, jsonByteCount: count, Self.all, into: &rows).rowCount == 2)
        #expect(same(rows.values, expected))
        for isRaw in [false, true] {
            let message = Self.message("x", [2, 3], texts, isRaw: isRaw)
            #expect(try readMessage(message, Self.all, into: &rows).rowCount == 2)
            #expect(same(rows.values, expected))
        }
    }

    @Test func aFeaturesTextsMayComeBesideOtherFeaturesNumbers() throws {
        let tensors = [
            Self.tensor("device", "[2,1]", #""data":[["c"],["d"]]"#),
            Self.tensor("age", "[2]", #""data":[7,8]"#, "FP32"),
            Self.tensor("site", "[2]", #""data":["a","?"]"#),
        ]
        let signature = ModelSignature.encoded([1, 2])
        #expect(try json(#"{"inputs":[\#(tensors.joined(separator: ","))]}"#, signature) == [7, 0, 2, 8, -1, 3])
        // A number is what a text would have become.
        let number = Self.tensor("site", "[2]", #""data":[0,-1]"#, "INT8")
        let mixed = (tensors[..<2] + [number]).joined(separator: ",")
        #expect(try json(#"{"inputs":[\#(mixed)]}"#, signature) == [7, 0, 2, 8, -1, 3])
        let wrong = Self.tensor("age", "[2]", #""data":["7","8"]"#)
        let text = #"{"inputs":[\#(([tensors[0], wrong, tensors[2]]).joined(separator: ","))]}"#
        #expect(
            refusal { _ = try json(text, signature) }
                == #"inputs[1].datatype: BYTES: feature "age" takes numbers"#)
        var rows = RowBuffer<Float>()
        let whole = Self.message("x", [1, 3], ["a", "b", "c"], isRaw: false)
        #expect(
            refusal { _ = try readMessage(whole, signature, into: &rows) }
                == #"inputs[0].datatype: BYTES: feature "age" takes numbers"#)
    }

    /// Where a model's own categories may be integers, a number would not say which of the two it is.
    @Test func featuresWhoseIntegersAreTextsTakeNothingElse() throws {
        let signature = ModelSignature.encoded([1], readsIntegers: true)
        func tensors(_ site: String) -> String {
            let others = ["age", "device"].map { Self.tensor($0, "[1]", #""data":[7]"#, "FP32") }
            return #"{"inputs":[\#((others + [site]).joined(separator: ","))]}"#
        }
        #expect(try json(tensors(Self.tensor("site", "[1]", #""data":["c"]"#)), signature) == [7, 2, 7])
        for datatype in ["INT64", "FP32"] {
            let number = Self.tensor("site", "[1]", #""data":[2]"#, datatype)
            #expect(
                refusal { _ = try json(tensors(number), signature) }
                    == #"inputs[2].datatype: \#(datatype): feature "site" takes BYTES"#)
            let whole = #"{"inputs":[\#(Self.tensor("x", "[1,3]", #""data":[1,2,3]"#, datatype))]}"#
            #expect(
                refusal { _ = try json(whole, signature) }
                    == #"inputs[0].datatype: \#(datatype): feature "site" takes BYTES"#)
        }
    }

    @Test(
        arguments: [
            (#""data":["a","b"]"#, "inputs[0].data: 2 elements; its shape asks for 3"),
            (#""data":["a","b","c","d"]"#, "inputs[0].data: more elements than the 3 that its shape asks for"),
            (#""data":["a",7,"c"]"#, "row 1, column 2: a number stands where a text belongs"),
            (#""data":[["a","b","!"]]"#, #"row 1, column 3: the text "!" is none that the feature's encoder takes"#),
            (#""data":["a","!","b"]"#, #"row 1, column 2: the text "!" is none that the feature's encoder takes"#),
        ] as [(String, String)])
    func refusesWhatIsNoText(data: String, expected: String) {
        #expect(refusal { _ = try json(Self.input("x", "[1,3]", data), Self.all) } == expected)
        let late = #"{"inputs":[{\#(data),"shape":[1,3],"datatype":"BYTES","name":"x"}]}"#
        #expect(refusal { _ = try json(late, Self.all) } == expected)
    }

    @Test func binaryTextsAreExactlyWhatTheShapeAsksFor() {
        var rows = RowBuffer<Float>()
        func refused(_ texts: [String], _ damage: @escaping ([UInt8]) -> [UInt8] = { $0 }) -> String {
            let (body, count) = Self.binary("x", "[1,3]", texts, damage: damage)
            return refusal { _ = try readREST(body, jsonByteCount: count, Self.all, into: &rows) }
        }
        #expect(refused(["a", "b"]) == "inputs[0]: fewer texts than the 3 that its shape asks for")
        #expect(refused(["aaaaaa", "bb"]) == "inputs[0]: 2 texts; its shape asks for 3")
        #expect(refused(["a", "b", "c"], { $0 + [7] }) == "inputs[0]: 1 bytes follow the last text")
        #expect(refused(["a", "b", "c"], { $0.dropLast() }) == "inputs[0]: text 3 has 1 bytes, and 0 are left")
        #expect(
            refused(["a", "b", "c"], { [0xFF, 0xFF, 0xFF, 0xFF] + $0.dropFirst(4) })
                == "inputs[0]: text 1 has 4294967295 bytes, and 11 are left")
        #expect(
            refused(["a", "!", "c"]) == #"row 1, column 2: the text "!" is none that the feature's encoder takes"#)
        for texts in [["a", "b"], ["a", "b", "c", "d"]] {
            let message = Self.message("x", [1, 3], texts, isRaw: false)
            #expect(
                refusal { _ = try readMessage(message, Self.all, into: &rows) }
                    == "inputs[0].contents: \(texts.count) elements; its shape asks for 3")
        }
        #expect(rows.values.isEmpty)
    }
}
