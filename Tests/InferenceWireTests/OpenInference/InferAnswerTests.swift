import InferenceWire
import Protobuf
import Testing

@Suite(.timeLimit(.minutes(3))) struct InferAnswerTests {
    private let values: [Double] = [0.1, -2.5, .nan, 1e-30]

    private func request(_ text: String) throws -> TensorRequest {
        var rows = RowBuffer<Float>()
        return try readREST(Array(text.utf8), into: &rows)
    }

    /// Of as many rows as asked.
    private func request(rowCount: Int, binary: Bool, id: Bool = false) throws -> (TensorRequest, [UInt8]) {
        let data = [Int](repeating: 1, count: rowCount * 3)
        let text =
            #"{"id":"a\nb","parameters":{"binary_data_output":\#(binary)},"#
            + #""inputs":[{"name":"x","datatype":"FP32","shape":[\#(rowCount),3],"data":\#(data)}]}"#
        return (try request(id ? text : text.replacing(#""id":"a\nb","#, with: "")), Array(text.utf8))
    }

    private func json(
        _ request: TensorRequest, _ source: [UInt8], _ signature: ModelSignature
    ) -> (text: String, jsonByteCount: Int?, bytes: [UInt8]) {
        var text: [UInt8] = [0x23]
        let count = source.withUnsafeBytes { bytes in
            InferAnswer.append(
                values.span, to: request, id: request.idRange.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) },
                signature: signature, text: &text)
        }
        #expect(text.removeFirst() == 0x23, "what was there stays")
        return (String(decoding: text, as: UTF8.self), count, text)
    }

    @Test func jsonRepeatsTheIDAndHasTheShortestNumbers() throws {
        let (request, source) = try request(rowCount: 4, binary: false, id: true)
        #expect(
            json(request, source, .sample()).text
                == #"{"model_name":"m","model_version":"7","id":"a\nb","outputs":[{"name":"predict","datatype":"FP32","shape":[4],"data":[0.1,-2.5,null,1e-30]}]}"#
        )
        let (double, _) = try self.request(rowCount: 2, binary: false)
        #expect(
            json(double, source, .sample(outputCount: 2, isDouble: true)).text
                == #"{"model_name":"m","model_version":"7","outputs":[{"name":"predict","datatype":"FP64","shape":[2,2],"data":[0.1,-2.5,null,1e-30]}]}"#
        )
    }

    @Test(arguments: [false, true])
    func binaryAnswersHaveTheNumbersBehindTheirJSON(isDouble: Bool) throws {
        let (request, source) = try request(rowCount: 4, binary: true)
        let answer = json(request, source, .sample(isDouble: isDouble))
        let start = try #require(answer.jsonByteCount)
        let size = isDouble ? 8 : 4
        #expect(answer.bytes.count == start + values.count * size && start.isMultiple(of: 32))
        let head = String(decoding: answer.bytes[..<start], as: UTF8.self)
        #expect(head.contains(#""parameters":{"binary_data_size":\#(4 * size)}}]}"#))
        let read = answer.bytes.withUnsafeBytes { bytes in
            (0..<4).map { index in
                isDouble
                    ? bytes.loadUnaligned(fromByteOffset: start + index * 8, as: Double.self)
                    : Double(bytes.loadUnaligned(fromByteOffset: start + index * 4, as: Float.self))
            }
        }
        #expect(same(read, isDouble ? values : values.map { Double(Float($0)) }))
    }

    private static let labels = ["none", "lo\"w", "größe", ""]

    @Test(
        arguments: [
            (1, [], "[1,1]", ["0.1:0"]), (9, [], "[1,4]", ["0.1:0", "1e-30:3", "-2.5:1", "nan:2"]),
            (2, labels, "[1,2]", ["0.1:0:none", "1e-30:3:"]),
            (4, labels, "[1,4]", ["0.1:0:none", "1e-30:3:", "-2.5:1:lo\"w", "nan:2:größe"]),
        ] as [(Int, [String], String, [String])])
    func theBestClassesComeFirst(classCount: Int, labels: [String], shape: String, expected: [String]) throws {
        for binary in [false, true] {
            let text =
                #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}],"outputs":[{"name":"predict","#
                + #""parameters":{"classification":\#(classCount),"binary_data":\#(binary)}}]}"#
            let signature = ModelSignature.sample(outputCount: 4, classLabels: labels)
            let answer = json(try request(text), Array(text.utf8), signature)
            let head = String(decoding: answer.bytes[..<(answer.jsonByteCount ?? answer.bytes.count)], as: UTF8.self)
            #expect(head.contains(#""outputs":[{"name":"predict","datatype":"BYTES","shape":\#(shape),"#))
            guard binary else {
                let data = expected.map { "\"" + $0.replacing("\"", with: "\\\"") + "\"" }.joined(separator: ",")
                #expect(head.hasSuffix(#""data":[\#(data)]}]}"#))
                continue
            }
            let tensor = Array(answer.bytes.dropFirst(try #require(answer.jsonByteCount)))
            #expect(head.contains(#""parameters":{"binary_data_size":\#(tensor.count)}"#))
            #expect(texts(tensor) == expected)
        }
        for isTyped in [false, true] {
            var request = ProtobufWriter()
            request.message(5) { input in
                input.string(1, "x")
                input.string(2, "FP32")
                input.packed(3, [1, 3] as [Int64])
                if isTyped { input.message(5) { $0.packed(6, [1, 2, 3] as [Float]) } }
            }
            request.message(6) { output in
                output.string(1, "predict")
                output.message(2) { entry in
                    entry.string(1, "classification")
                    entry.message(2) { $0.signed(2, Int64(classCount)) }
                }
            }
            if !isTyped { request.data(7, [UInt8](repeating: 0, count: 12)) }
            var rows = RowBuffer<Float>()
            let read = try readMessage(request.bytes, into: &rows)
            let signature = ModelSignature.sample(outputCount: 4, classLabels: labels)
            let message = InferAnswer.message(values.span, to: read, id: nil, signature: signature)
            let answer = try ReadAnswer(message)
            #expect(answer.datatype == "BYTES" && "[\(answer.shape[0]),\(answer.shape[1])]" == shape)
            #expect(answer.isTyped == isTyped && (isTyped ? answer.texts : texts(answer.raw)) == expected)
        }
    }

    /// Of equal scores the lower index is first, in each row by itself; doubles keep their digits.
    @Test func classesAreChosenRowByRow() throws {
        let text =
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[3,3],"data":[1,2,3,4,5,6,7,8,9]}],"#
            + #""outputs":[{"name":"predict","parameters":{"classification":2}}]}"#
        let request = try request(text)
        var answer: [UInt8] = []
        let predictions: [Double] = [0.25, 0.5, 0.25, 0, 0, 0, .infinity, 0.1, 1]
        let signature = ModelSignature.sample(outputCount: 3, isDouble: true)
        _ = InferAnswer.append(predictions.span, to: request, id: nil, signature: signature, text: &answer)
        #expect(
            String(decoding: answer, as: UTF8.self).hasSuffix(
                #""shape":[3,2],"data":["0.5:1","0.25:0","0.0:0","0.0:1","inf:0","1.0:2"]}]}"#))
    }

    private func texts(_ tensor: [UInt8]) -> [String] {
        var texts: [String] = []
        var rest = tensor[...]
        while rest.count >= 4 {
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            texts.append(String(decoding: rest.dropFirst(4).prefix(count), as: UTF8.self))
            rest = rest.dropFirst(4 + count)
        }
        return texts
    }

    @Test(arguments: [false, true], [false, true])
    func messagesAnswerInTheFormOfTheRequest(isTyped: Bool, isDouble: Bool) throws {
        let name = isTyped ? "typed-float32" : "rows-float32"
        let recorded = try #require(RecordedRequest.all.first { $0.name == name })
        var rows = RowBuffer<Float>()
        let request = try readMessage(recorded.message, into: &rows)
        let signature = ModelSignature.sample(outputCount: 2, isDouble: isDouble)
        let message = recorded.message.withUnsafeBytes { bytes in
            InferAnswer.message(
                values.span, to: request, id: request.idRange.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) },
                signature: signature)
        }
        let answer = try ReadAnswer(message)
        #expect(answer.model == "m" && answer.version == "7" && answer.id == (isTyped ? "t" : ""))
        #expect(answer.name == "predict" && answer.datatype == (isDouble ? "FP64" : "FP32") && answer.shape == [2, 2])
        #expect(same(answer.values, isDouble ? values : values.map { Double(Float($0)) }))
        #expect(answer.isTyped == isTyped)
    }
}

/// A `ModelInferResponse`, read field by field.
struct ReadAnswer {
    var model = ""
    var version = ""
    var id = ""
    var name = ""
    var datatype = ""
    var shape: [Int64] = []
    var values: [Double] = []
    var texts: [String] = []
    var raw: [UInt8] = []
    var isTyped = false

    init(_ message: [UInt8]) throws {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while try reader.next() {
                switch reader.field {
                case 1: model = try reader.string()
                case 2: version = try reader.string()
                case 3: id = try reader.string()
                case 5: try readOutput(try reader.message())
                case 6: raw = Array(try reader.data())
                default: try reader.skip()
                }
            }
        }
        guard !raw.isEmpty, datatype != "BYTES" else { return }
        raw.withUnsafeBytes { bytes in
            if datatype == "FP64" {
                values = (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
            } else {
                values = (0..<bytes.count / 4).map {
                    Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self))
                }
            }
        }
    }

    private mutating func readOutput(_ output: ProtobufReader) throws {
        var output = output
        while try output.next() {
            switch output.field {
            case 1: name = try output.string()
            case 2: datatype = try output.string()
            case 3: try output.eachSigned { shape.append($0) }
            case 5:
                isTyped = true
                var contents = try output.message()
                while try contents.next() {
                    if contents.field == 6 { try contents.eachFloat { values.append(Double($0)) } }
                    if contents.field == 7 { try contents.eachDouble { values.append($0) } }
                    if contents.field == 8 { texts.append(try contents.string()) }
                }
            default: try output.skip()
            }
        }
    }
}
