import InferenceWire
import Protobuf
import Testing

struct InferAnswerTests {
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
    var isTyped = false

    init(_ message: [UInt8]) throws {
        var raw: [UInt8] = []
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
        guard !raw.isEmpty else { return }
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
                }
            default: try output.skip()
            }
        }
    }
}
