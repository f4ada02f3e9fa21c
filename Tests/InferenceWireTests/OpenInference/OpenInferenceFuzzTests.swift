import InferenceWire
import PropertyTesting
import Testing

/// Whatever comes: rows of the right size, or a refusal with a reason; never more room than the request can fill.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct OpenInferenceFuzzTests {
    private func hold(_ rows: RowBuffer<Float>, to result: Result<TensorRequest, any Error>, byteCount: Int) {
        switch result {
        case .success(let request):
            #expect(request.rowCount == rows.rowCount && rows.values.count == rows.rowCount * 3 && rows.rowCount > 0)
            #expect(rows.values.count <= byteCount)
            #expect(rows.values.allSatisfy { !$0.isInfinite })
            if let id = request.idRange { #expect(id.lowerBound >= 0 && id.upperBound <= byteCount) }
        case .failure(let error):
            #expect(error is OpenInferenceError && !"\(error)".isEmpty)
            #expect(rows.values.isEmpty && rows.rowCount == 0)
        }
    }

    @Test func jsonAndBinaryBodiesNeverCrash() {
        var rows = RowBuffer<Float>()
        let recorded = RecordedRequest.all.filter { !$0.body.isEmpty }
        var turn = 0
        Fuzz.run(corpus: recorded.map(\.body)) { body in
            // The stated length is that of the sound request: changes before it move the border into the JSON or the tensors.
            let stated = recorded[turn % recorded.count].jsonByteCount
            turn += 1
            let result = Result { try readREST(body, jsonByteCount: stated, into: &rows) }
            hold(rows, to: result, byteCount: body.count)
        }
    }

    @Test func messagesNeverCrash() {
        var rows = RowBuffer<Float>()
        Fuzz.run(corpus: RecordedRequest.all.map(\.message)) { message in
            _ = try? message.withUnsafeBytes { try InferMessage($0) }
            let result = Result { try readMessage(message, into: &rows) }
            hold(rows, to: result, byteCount: message.count)
        }
    }

    @Test func textsNeverCrash() {
        var rows = RowBuffer<Float>()
        let signature = ModelSignature.encoded([0, 1, 2])
        let json = Array(BytesTensorTests.input("x", "[2,3]", #""data":[["a","b",null],["\u0063","","?"]]"#).utf8)
        let (raw, stated) = BytesTensorTests.binary("x", "[2,3]", ["a", "b", "c", "", "dd", "z"])
        Fuzz.run(corpus: [json, raw]) { body in
            for count in [nil, stated] {
                let result = Result { try readREST(body, jsonByteCount: count, signature, into: &rows) }
                hold(rows, to: result, byteCount: body.count)
            }
        }
        let messages = [false, true].map {
            BytesTensorTests.message("x", [2, 3], ["a", "b", "", "d", "e", "f"], isRaw: $0)
        }
        Fuzz.run(corpus: messages) { message in
            let result = Result { try readMessage(message, signature, into: &rows) }
            hold(rows, to: result, byteCount: message.count)
        }
    }

    @Test func smallRequestsNeverCrash() {
        let corpus: [[UInt8]] = [
            Array(#"{"ready":true,"x":[1]}"#.utf8), Array(#"{"parameters":{"config":"{}","file:1/a":"x"}}"#.utf8),
            [0x0A, 1, 0x6D, 0x12, 1, 0x37], [0x10, 1],
            [0x12, 1, 0x6D, 0x1A, 8, 0x0A, 6, 0x63, 0x6F, 0x6E, 0x66, 0x69, 0x67],
        ]
        let count = Fuzz.run(corpus: corpus) { bytes in
            bytes.withUnsafeBytes { bytes in
                _ = try? IndexRequest(json: bytes)
                _ = try? LoadRequest(json: bytes, name: "m")
                _ = try? IndexRequest(message: bytes)
                _ = try? LoadRequest(message: bytes)
                _ = try? NamedRequest(message: bytes)
            }
        }
        #expect(count >= corpus.count)
    }
}
