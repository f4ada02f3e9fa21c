import InferenceWire
import JSONReader
import PropertyTesting
import Testing

/// Rows that are read in blocks are the rows that are read at once.
@Suite(.timeLimit(.minutes(3))) struct RowStreamTests {
    private static let names = ["site_id", "price", "häuser, \"neu\""]

    /// The first feature is a text, so that line ends may stand in its fields.
    private struct Sizes: FeatureTexts {
        func isEncoded(_ feature: Int) -> Bool { feature == 0 }
        func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double? { Double(text.count) }
    }

    private enum Form: CaseIterable {
        case csv, quotedCSV, header, jsonLines, json

        var format: RowFormat {
            switch self {
            case .csv, .quotedCSV: .csv
            case .header: .csvWithHeader
            case .jsonLines: .jsonLines
            case .json: .json
            }
        }

        var schema: RowSchema {
            RowSchema(
                featureCount: 3, featureNames: names, texts: self == .quotedCSV || self == .header ? Sizes() : nil)
        }
    }

    private struct Outcome: Equatable {
        /// NaN as a text, so that it equals itself.
        var values: [String] = []
        var rowCount = 0
        var error: RowStreamError?
    }

    private func streamed(
        _ text: [UInt8], _ form: Form, limitBytes: Int = 1 << 20, pieces: () -> Int
    ) -> Outcome {
        var outcome = Outcome()
        var stream = RowStream<Double>(format: form.format, schema: form.schema, limitBytes: limitBytes)
        var position = 0
        do throws(RowStreamError) {
            while true {
                let end = min(text.count, position + pieces())
                stream.append(text[position..<end])
                position = end
                while try stream.next(isAtEnd: position == text.count) {
                    outcome.values += stream.rows.values.map { "\($0)" }
                    outcome.rowCount += stream.rows.rowCount
                    #expect(stream.rowCount == outcome.rowCount)
                }
                if position == text.count { return outcome }
            }
        } catch {
            outcome.error = error
            // It stays broken.
            #expect(throws: error) { try stream.next(isAtEnd: true) }
            return outcome
        }
    }

    private func whole(_ text: [UInt8], _ form: Form) throws(RowError) -> [String] {
        var buffer = RowBuffer<Double>()
        let result = text.withUnsafeBytes { bytes in
            Result { () throws(RowError) in
                try buffer.read(bytes, as: form.format, schema: form.schema, limits: RowLimits(rowCount: .max))
            }
        }
        try result.get()
        return buffer.values.map { "\($0)" }
    }

    private func row(_ form: Form, _ random: inout SeededGenerator) -> String {
        let numbers = (0..<3).map { _ in
            Bool.random(using: &random) ? String(Int.random(in: -99...99, using: &random)) : ""
        }
        let texts = ["a", "\"a\nb\"", "\"say \"\"x\"\"\n\"", "\"\"", "a\"b", " \"c\" ", "d"]
        switch form {
        case .csv: return numbers.joined(separator: ",")
        case .quotedCSV, .header:
            return texts.randomElement(using: &random)! + "," + numbers[1] + "," + numbers[2]
        case .jsonLines, .json:
            let values = numbers.map { $0.isEmpty ? "null" : $0 }
            guard Bool.random(using: &random) else { return "[\(values.joined(separator: ","))]" }
            return "{\"price\": \(values[0]), \"site_id\": \(values[1])}"
        }
    }

    private func text(_ rows: [String], _ form: Form, _ random: inout SeededGenerator) -> [UInt8] {
        let lineEnd = Bool.random(using: &random) ? "\n" : "\r\n"
        switch form {
        case .json: return Array("{\"instances\": [\(rows.joined(separator: ","))]}".utf8)
        case .header:
            let header = "site_id,\"häuser, \"\"neu\"\"\",price"
            return Array(([header] + rows).joined(separator: lineEnd).utf8)
        case .jsonLines:
            let spaced = rows.map { Bool.random(using: &random) ? $0 : " " + lineEnd + $0 }
            return Array((spaced.joined(separator: lineEnd) + lineEnd + " ").utf8)
        case .csv, .quotedCSV:
            // A last line that is empty would be a row without its end.
            return Array((rows.joined(separator: lineEnd) + lineEnd).utf8)
        }
    }

    @Test(arguments: Form.allCases) private func blocksOfAnySizeHoldTheSameRows(form: Form) throws {
        var random = SeededGenerator.printed()
        for round in 0..<300 {
            let rows = (0..<Int.random(in: 1...40, using: &random)).map { _ in row(form, &random) }
            let text = text(rows, form, &random)
            let expected = try whole(text, form)
            let outcome = streamed(text, form) {
                round == 0 ? 1 : Int.random(in: 1...(round % 2 == 0 ? 9 : 400), using: &random)
            }
            #expect(
                outcome == Outcome(values: expected, rowCount: rows.count), "\(String(decoding: text, as: UTF8.self))")
        }
    }

    /// Row by row is the slow, obvious way to find the first bad row.
    @Test(arguments: [Form.csv, .quotedCSV, .header, .jsonLines])
    private func whatStandsBeforeABadRowIsRead(form: Form) throws {
        var random = SeededGenerator.printed()
        for _ in 0..<300 {
            var rows = (0..<Int.random(in: 1...40, using: &random)).map { _ in row(form, &random) }
            let bad = Int.random(in: 0..<rows.count, using: &random)
            let good = text(rows, form, &random)
            let isInfinite = Bool.random(using: &random)
            rows[bad] =
                switch form {
                case .jsonLines: isInfinite ? "[1,2,1e999]" : #"[1,"x",2]"#
                default: isInfinite ? "1,2,1e999" : "1,2,x"
                }
            // Another one behind it, which must not be the one that is told.
            if bad + 1 < rows.count { rows[rows.count - 1] = form == .jsonLines ? "[1]" : "1" }
            let broken = text(rows, form, &random)
            let outcome = streamed(broken, form) { Int.random(in: 1...400, using: &random) }
            #expect(outcome.rowCount == bad)
            #expect(outcome.values == Array(try whole(good, form).prefix(3 * bad)))
            guard case .row(let reason)? = outcome.error else {
                Issue.record("\(String(describing: outcome.error)) for \(rows[bad])")
                continue
            }
            let told = "\(reason)"
            #expect(told.hasPrefix("row \(bad + 1), ") && told.contains("finite") == isInfinite, "\(told)")
        }
    }

    @Test func brokenJSONIsToldByItsRowAndItsByte() {
        let lines = Array("[1,2,3]\n\n[4,5,6]\n[7,8,}\n[1,2,3]".utf8)
        for size in 1...lines.count {
            let outcome = streamed(lines, .jsonLines) { size }
            #expect(outcome.values == ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0"])
            #expect(outcome.error == .malformedRow(row: 3, JSONError(.unexpectedByte, at: 5)))
        }
        let document = streamed(Array("[[1,2,3],[4,5,}]".utf8), .json) { 3 }
        #expect(document == Outcome(error: .malformedDocument(JSONError(.unexpectedByte, at: 14))))
        let short = streamed(Array("[[1,2,3],[4,5]]".utf8), .json) { 3 }
        #expect(short == Outcome(error: .row(.wrongFieldCount(row: 2, found: 2, expected: 3))))
    }

    @Test func rowsAreCountedAcrossBlocks() {
        let text = Array((String(repeating: "1,2,3\n", count: 1000) + "1,2\n").utf8)
        let outcome = streamed(text, .csv) { 64 }
        #expect(outcome.rowCount == 1000)
        #expect(outcome.error == .row(.wrongFieldCount(row: 1001, found: 2, expected: 3)))
    }

    @Test func headersAreRefusedBeforeAnyRow() {
        for text in ["site_id,prize\n1,2\n", "site_id,prize"] {
            let outcome = streamed(Array(text.utf8), .header) { 4 }
            #expect(outcome == Outcome(error: .row(.unknownFeature(row: 0, feature: "prize"))))
        }
    }

    @Test(arguments: Form.allCases) private func noRowsAreAnError(form: Form) {
        let texts = ["", form == .header ? "site_id,price\n" : "", form == .jsonLines ? " \n\r\n" : ""]
        for text in texts {
            #expect(streamed(Array(text.utf8), form) { 1 } == Outcome(error: .noRows), "\(text)")
        }
    }

    @Test func nothingIsKeptBeyondItsLimit() {
        let long = Array(("1,2,3\n" + String(repeating: " ", count: 200)).utf8)
        #expect(
            streamed(long, .csv, limitBytes: 100) { 30 }
                == Outcome(values: ["1.0", "2.0", "3.0"], rowCount: 1, error: .rowTooLong(row: 2, limitBytes: 100)))
        let quoted = Array(("\"" + String(repeating: "\n", count: 200)).utf8)
        #expect(
            streamed(quoted, .quotedCSV, limitBytes: 100) { 30 } == Outcome(error: .rowTooLong(row: 1, limitBytes: 100))
        )
        let document = Array(("[" + String(repeating: "[1,2,3],", count: 40) + "[1,2,3]]").utf8)
        #expect(
            streamed(document, .json, limitBytes: 100) { 30 } == Outcome(error: .documentTooLong(limitBytes: 100)))
        #expect(streamed(document, .json, limitBytes: 1000) { 30 }.rowCount == 41)
    }

    /// Each of them takes a number for every feature, though it has hardly a byte.
    @Test func rowsThatNameNothingComeInBlocksOfBoundedSize() throws {
        let schema = RowSchema(featureCount: 1000, featureNames: (0..<1000).map { "f\($0)" })
        var stream = RowStream<Float>(format: .jsonLines, schema: schema, limitBytes: 1 << 20)
        stream.append(Array(String(repeating: "{}\n", count: 5000).utf8)[...])
        var blocks: [Int] = []
        while try stream.next(isAtEnd: true) { blocks.append(stream.rows.rowCount) }
        #expect(blocks == [1048, 1048, 1048, 1048, 808] && stream.rowCount == 5000)
    }

    @Test func blankLinesAreReadWithWhatFollows() {
        let one = RowSchema(featureCount: 1)
        var stream = RowStream<Double>(format: .csv, schema: one, limitBytes: 1000)
        stream.append(Array("1\n\n\n".utf8)[...])
        #expect(throws: Never.self) { try stream.next(isAtEnd: false) }
        #expect(stream.rowCount == 1)
        stream.append(Array("2\n".utf8)[...])
        #expect(throws: Never.self) { try stream.next(isAtEnd: false) }
        #expect(stream.rowCount == 4 && stream.rows.values[0].isNaN && stream.rows.values[2] == 2)
        let between = streamed(Array("1,2,3\n\n4,5,6\n".utf8), .csv) { 7 }
        #expect(between.rowCount == 1 && between.error == .row(.wrongFieldCount(row: 2, found: 1, expected: 3)))
    }
}
