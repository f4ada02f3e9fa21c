import InferenceWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct RowFormatTests {
    @Test(
        arguments: [
            ("text/csv", RowFormat.csv), ("text/csv; charset=utf-8", .csv), ("Application/JSON", .json),
            (" application/json ;x=y", .json), ("application/jsonlines", .jsonLines),
            ("application/x-ndjson", .jsonLines),
            ("text/csv; header=present", .csvWithHeader),
            ("text/csv;charset=utf-8; Header=\"present\"", .csvWithHeader),
            ("text/csv; header=absent", .csv), ("application/json; header=present", .json),
            ("text/plain", nil), ("", nil), ("application/x-recordio-protobuf", nil),
        ] as [(String, RowFormat?)])
    func readsContentTypes(text: String, expected: RowFormat?) {
        #expect(RowFormat(contentType: text) == expected)
    }

    @Test(
        arguments: [
            (nil, .csv), ("", .csv), ("*/*", .csv), ("application/json", .json),
            ("text/csv, application/json;q=0.5", .csv),
            ("text/csv;q=0.1, application/json", .json), ("text/html, */*;q=0.1", .csv), ("text/html", nil),
            ("application/json;q=0", nil), ("text/*", .csv),
        ] as [(String?, RowFormat?)])
    func choosesTheAnswersForm(accept: String?, expected: RowFormat?) {
        #expect(RowFormat.answering(accept: accept, request: .csv) == expected)
    }

    @Test func anAnswerHasNoHeaderLineAndLinesAreAnsweredByLines() {
        #expect(RowFormat.answering(accept: nil, request: .csvWithHeader) == .csv)
        #expect(RowFormat.answering(accept: "*/*", request: .csvWithHeader) == .csv)
        #expect(RowFormat.answering(accept: "application/*", request: .jsonLines) == .jsonLines)
        #expect(RowFormat.answering(accept: "application/jsonlines", request: .csv) == .jsonLines)
        #expect(RowFormat.answering(accept: "application/json", request: .jsonLines) == .json)
    }

    @Test func writesOneObjectALine() {
        let values: [Double] = [0.25, .nan, -1, 2]
        var text: [UInt8] = []
        PredictionWriter.append(values.span, outputCount: 1, as: .jsonLines, to: &text)
        #expect(
            String(decoding: text, as: UTF8.self)
                == "{\"score\": 0.25}\n{\"score\": null}\n{\"score\": -1.0}\n{\"score\": 2.0}\n")
        text = []
        PredictionWriter.append(values.span, outputCount: 2, as: .jsonLines, to: &text)
        #expect(String(decoding: text, as: UTF8.self) == "{\"score\": [0.25, null]}\n{\"score\": [-1.0, 2.0]}\n")
    }

    @Test func writesNumbersThatReadBack() {
        let values: [Double] = [0.000847571762278676, 1, -0.0, 1e-30, .nan, .infinity]
        var csv: [UInt8] = []
        PredictionWriter.append(values.span, outputCount: 2, as: .csv, to: &csv)
        #expect(String(decoding: csv, as: UTF8.self) == "0.000847571762278676,1.0\n-0.0,1e-30\nnan,inf\n")
        var json: [UInt8] = []
        PredictionWriter.append(values.span, outputCount: 3, as: .json, to: &json)
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"predictions": [[0.000847571762278676, 1.0, -0.0], [1e-30, null, null]]}"#)
        json = []
        PredictionWriter.append(values.span.extracting(first: 2), outputCount: 1, as: .json, to: &json)
        #expect(String(decoding: json, as: UTF8.self) == #"{"predictions": [0.000847571762278676, 1.0]}"#)
    }
}
