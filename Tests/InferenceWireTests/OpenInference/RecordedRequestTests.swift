import InferenceWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct RecordedRequestTests {
    @Test func thereAreRequests() {
        #expect(RecordedRequest.all.count > 25)
        #expect(RecordedRequest.all.contains { $0.jsonByteCount != nil })
    }

    @Test(arguments: RecordedRequest.all.filter { !$0.body.isEmpty })
    func theBodyOfTheHTTPClientIsRead(request: RecordedRequest) throws {
        var floats = RowBuffer<Float>()
        let read = try readREST(request.body, jsonByteCount: request.jsonByteCount, into: &floats)
        #expect(read.rowCount == request.rowCount && floats.rowCount == request.rowCount)
        #expect(same(floats.values.map(Double.init), request.values))
        var doubles = RowBuffer<Double>()
        #expect(try readREST(request.body, jsonByteCount: request.jsonByteCount, into: &doubles) == read)
        #expect(same(doubles.values, request.values))
        // Where no output is named, the client asks for binary ones.
        #expect(read.form == (request.name.hasPrefix("json-float") ? .typed : .binary))
    }

    @Test(arguments: RecordedRequest.all)
    func theMessageOfTheGRPCClientIsRead(request: RecordedRequest) throws {
        var floats = RowBuffer<Float>()
        let read = try readMessage(request.message, into: &floats)
        #expect(read.rowCount == request.rowCount && same(floats.values.map(Double.init), request.values))
        var doubles = RowBuffer<Double>()
        #expect(try readMessage(request.message, into: &doubles) == read)
        #expect(same(doubles.values, request.values))
        #expect(read.form == (request.name.hasPrefix("typed") ? .typed : .binary))
        let head = try request.message.withUnsafeBytes { try InferMessage($0) }
        #expect(head.modelName == "m" && head.modelVersion == "7")
    }

    @Test func idsAreFoundWhereTheyStand() throws {
        let named = try #require(RecordedRequest.all.first { $0.name == "json-float32" })
        var rows = RowBuffer<Float>()
        let inBody = try #require(try readREST(named.body, into: &rows).idRange)
        #expect(String(decoding: named.body[inBody], as: UTF8.self) == #"one \"two\" \u00E4"#)
        let inMessage = try #require(try readMessage(named.message, into: &rows).idRange)
        #expect(String(decoding: named.message[inMessage], as: UTF8.self) == "one \"two\" ä")
    }

    @Test func oneBufferReadsThemAllOneAfterAnother() throws {
        var rows = RowBuffer<Float>()
        for request in RecordedRequest.all + RecordedRequest.all.reversed() where !request.body.isEmpty {
            _ = try readREST(request.body, jsonByteCount: request.jsonByteCount, into: &rows)
            #expect(same(rows.values.map(Double.init), request.values), "\(request.name)")
        }
    }
}
