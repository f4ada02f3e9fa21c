import Glibc
import InferenceWire
import JSONReader
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct RowBufferTests {
    private func rows(
        _ text: String, _ format: RowFormat, features: Int = 3, limit: Int = 10
    ) throws(RowError) -> RowBuffer<Float> {
        var buffer = RowBuffer<Float>()
        try read(text, into: &buffer, format, features: features, limit: limit)
        return buffer
    }

    private func read<Number>(
        _ text: String, into buffer: inout RowBuffer<Number>, _ format: RowFormat, features: Int, limit: Int
    ) throws(RowError) {
        let bytes = Array(text.utf8)
        do {
            try bytes.withUnsafeBytes {
                try buffer.read(
                    $0, as: format, schema: RowSchema(featureCount: features), limits: RowLimits(rowCount: limit))
            }
        } catch let error as RowError {
            throw error
        } catch {
            Issue.record("only a RowError may come: \(error)")
        }
    }

    /// Equal, with NaN equal to NaN.
    private func same(_ left: [Float], _ right: [Float]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }

    @Test(
        arguments: [
            ("1,2,3", [1, 2, 3]), ("1,2,3\n", [1, 2, 3]), ("1,2,3\r\n4,5,6\r\n", [1, 2, 3, 4, 5, 6]),
            (" 1 ,\t2, 3", [1, 2, 3]), (",,", [.nan, .nan, .nan]), ("1,,3\n,5,", [1, .nan, 3, .nan, 5, .nan]),
            ("nan,-1e-3,+.5", [.nan, -0.001, 0.5]), ("1,2,3\n\n", [1, 2, 3]), ("1,2,3\r\n \r\n\t\n", [1, 2, 3]),
            ("\u{FEFF}1,2,3\n", [1, 2, 3]), ("\"1.5\",2, \"-3e1\" \r\n\"\",\"\",4", [1.5, 2, -30, .nan, .nan, 4]),
        ] as [(String, [Float])])
    func readsCSV(text: String, expected: [Float]) throws {
        let buffer = try rows(text, .csv)
        #expect(same(buffer.values, expected))
        #expect(buffer.rowCount == expected.count / 3)
    }

    /// Fields of the usual form take a short cut, which must round as the full reader does.
    @Test func roundsPlainDecimalsAsTheFullReaderDoes() throws {
        var random = SeededGenerator.printed()
        var texts = [
            "0", "-0", "-0.0", "5.", ".5", "-.5", "16777217", "9007199254740993", "0.1", "8388608.5", "3.4e38",
            "00012.50",
        ]
        for _ in 0..<20_000 {
            let whole = String(UInt64.random(in: 0...UInt64.max, using: &random)).prefix(
                Int.random(in: 0...19, using: &random))
            let part = String(UInt64.random(in: 0...UInt64.max, using: &random)).prefix(
                Int.random(in: 0...19, using: &random))
            guard !whole.isEmpty || !part.isEmpty else { continue }
            texts.append("\(Bool.random(using: &random) ? "-" : "")\(whole)\(part.isEmpty ? "" : ".")\(part)")
        }
        for text in texts {
            var floats = RowBuffer<Float>()
            var doubles = RowBuffer<Double>()
            try read(text, into: &floats, .csv, features: 1, limit: 1)
            try read(text, into: &doubles, .csv, features: 1, limit: 1)
            #expect(floats.values.map(\.bitPattern) == [strtof(text, nil).bitPattern], "\(text)")
            #expect(doubles.values.map(\.bitPattern) == [strtod(text, nil).bitPattern], "\(text)")
        }
    }

    /// Where a row is one field, an empty line is a missing one, at the end as well.
    @Test func aSingleColumnMayBeMissing() throws {
        #expect(try same(rows("1\n\n3\n", .csv, features: 1).values, [1, .nan, 3]))
        #expect(try same(rows("1\n\n\n", .csv, features: 1).values, [1, .nan, .nan]))
    }

    @Test(arguments: [
        "[1,2,3]", "[[1,2,3]]", #"{"instances":[[1,2,3]]}"#, #"{"features":[1,2,3]}"#, #"{"features":[[1,2,3]]}"#,
        #"{"instances":[{"features":[1,2,3]}]}"#, #"{"signature_name":{"x":[1]},"instances":[[1,2,3]],"more":null}"#,
        #" { "instances" : [ { "id" : 7, "features" : [ 1.0 , 2e0, 0.3e1 ] } ] } "#,
    ])
    func readsTheUsualShapesOfJSON(text: String) throws {
        let buffer = try rows(text, .json)
        #expect(buffer.values == [1, 2, 3] && buffer.rowCount == 1)
    }

    @Test func nullIsMissing() throws {
        #expect(try same(rows("[[null,2,3],[4,null,null]]", .json).values, [.nan, 2, 3, 4, .nan, .nan]))
        #expect(try same(rows("[null,2,3]", .json).values, [.nan, 2, 3]))
        #expect(try same(rows("[[NaN,2,3],[4,5,NaN]]", .json).values, [.nan, 2, 3, 4, 5, .nan]))
        #expect(try same(rows("[NaN,NaN,1]", .json).values, [.nan, .nan, 1]))
        #expect(
            try same(
                rows("[1,NaN,3]\n{\"features\":[NaN,2,3],\"id\":NaN}\n", .jsonLines).values, [1, .nan, 3, .nan, 2, 3]))
    }

    @Test(
        arguments: [
            ("", .noRows), ("1,2", .wrongFieldCount(row: 1, found: 2, expected: 3)),
            ("1,2,3,4", .wrongFieldCount(row: 1, found: 4, expected: 3)),
            ("1,2,3\n\n1,2,3", .wrongFieldCount(row: 2, found: 1, expected: 3)),
            ("1,2,3\n1,x,3", .badValue(row: 2, column: 2, .text("x"))),
            ("1,2,0x10", .badValue(row: 1, column: 3, .text("0x10"))),
            ("1,2,inf", .notFinite(row: 1, column: 3)), ("1,1e999,3", .notFinite(row: 1, column: 2)),
            ("1,2,3\n1,2,3\n1,2,3", .tooManyRows(limit: 2)),
            ("\"1,2,3", .badValue(row: 1, column: 1, .text("\"1"))),
            ("\"x\",2,3", .badValue(row: 1, column: 1, .text("x"))),
            ("\"\"\"\",2,3", .badValue(row: 1, column: 1, .text("\"\""))),
            ("\n \r\n", .noRows), ("\n1,2,3", .wrongFieldCount(row: 1, found: 1, expected: 3)),
            ("1,2,3\n\u{FEFF}4,5,6", .badValue(row: 2, column: 1, .text("\u{FEFF}4"))),
            ("1,0." + String(repeating: "1", count: 10_000) + ",3", .badValue(row: 1, column: 2, .tooLong)),
        ] as [(String, RowError)])
    func refusesBrokenCSVByRowAndColumn(text: String, expected: RowError) {
        #expect(throws: expected) { try rows(text, .csv, limit: 2) }
    }

    @Test(
        arguments: [
            ("", .noRows), ("[]", .noRows), (#"{"instances":[]}"#, .noRows), ("{}", .noInstances),
            (#"{"rows":[[1,2,3]]}"#, .noInstances), ("[[1,2]]", .wrongFieldCount(row: 1, found: 2, expected: 3)),
            ("[1,2,3,4]", .wrongFieldCount(row: 1, found: 4, expected: 3)),
            ("[1,2]", .wrongFieldCount(row: 1, found: 2, expected: 3)),
            ("[[1,2,3],[1,2,3,4]]", .wrongFieldCount(row: 2, found: 4, expected: 3)),
            (#"[[1,2,3],[1,"x",3]]"#, .badValue(row: 2, column: 2, .string("x", wanted: .number))),
            ("[[1,2,3],[1,2,true]]", .badValue(row: 2, column: 3, .kind(.boolean, wanted: .number))),
            ("[1,{},3]", .badValue(row: 1, column: 2, .kind(.object, wanted: .number))),
            ("[[1,2,3],7]", .notARow(row: 2)),
            ("[[1,2," + String(repeating: "1", count: 2000) + "]]", .badValue(row: 1, column: 3, .tooLong)),
            ("[[1,2,3],[1,Infinity,3]]", .notFinite(row: 2, column: 2)),
            ("[1,2,-Infinity]", .notFinite(row: 1, column: 3)),
            (#"{"instances":[[1,2,3]],"instances":[[4,5,6]]}"#, .rowsTwice("instances", "instances")),
            (#"{"features":[[1,2,3]],"instances":[[4,5,6]]}"#, .rowsTwice("features", "instances")),
            (#"{"instances":[[1,2,3]],"features":null}"#, .rowsTwice("instances", "features")),
            (#"[{"features":[1,2,3],"features":[4,5,6]}]"#, .featuresTwice(row: 1)),
            ("[[1,2,3],[1,2,1e999]]", .notFinite(row: 2, column: 3)),
            ("[[1,2,3],[1,2,3],[1,2,3]]", .tooManyRows(limit: 2)),
            (#"[{"id":1}]"#, .noFeatureNames(row: 1)), ("[{}]", .noFeatureNames(row: 1)),
        ] as [(String, RowError)])
    func refusesBrokenJSONByRowAndColumn(text: String, expected: RowError) {
        #expect(throws: expected) { try rows(text, .json, limit: 2) }
    }

    @Test(arguments: [
        "{", "[[1,2,3]", "[[1,2,3]]x", #"{"instances":5}"#, "7", "[1,[2],3]", "[[1,2,3],4]", "\u{0}", "[[1,2,nan]]",
        "[[1,2,-NaN]]",
    ])
    func refusesWhatIsNotTheJSONExpected(text: String) {
        #expect(throws: RowError.self) { try rows(text, .json) }
    }

    @Test(
        arguments: [
            (
                .badValue(row: 2, column: 3, .string("abc", wanted: .number)),
                #"row 2, column 3: the string "abc" stands where a number belongs"#
            ),
            (
                .badValue(row: 1, column: 1, .kind(.boolean, wanted: .textOrNumber)),
                "row 1, column 1: a boolean stands where a text or a number belongs"
            ),
            (
                .badFeature(row: 4, feature: "price", .kind(.array, wanted: .number)),
                #"row 4, feature "price": an array stands where a number belongs"#
            ),
            (.badValue(row: 1, column: 2, .text("x")), #"row 1, column 2: "x" is not a number"#),
            (
                .badValue(row: 1, column: 2, .unknownText("x")),
                #"row 1, column 2: the text "x" is none that the feature's encoder takes"#
            ),
            (.badValue(row: 1, column: 2, .tooLong), "row 1, column 2: the number has more than 1024 characters"),
            (.notARow(row: 3), "row 3 is neither an array nor an object"),
            (.rowsTwice("instances", "instances"), #""instances" stands twice"#),
            (.rowsTwice("features", "instances"), #""instances" stands beside "features": send the rows once"#),
            (.featuresTwice(row: 2), #"row 2: "features" stands twice"#),
        ] as [(RowError, String)])
    func aRefusalSaysWhatIsWrong(error: RowError, text: String) {
        #expect("\(error)" == text && error.status == 400)
    }

    @Test func aRefusalLeavesNoRowsBehind() throws {
        var buffer = RowBuffer<Double>()
        try read("1,2,3", into: &buffer, .csv, features: 3, limit: 5)
        #expect(throws: RowError.self) { try read("1,2,3\n1,2,x", into: &buffer, .csv, features: 3, limit: 5) }
        #expect(buffer.rowCount == 0 && buffer.values.isEmpty)
    }

    @Test func textIsRoundedOnceToTheModelsType() throws {
        // Halfway between two floats when read as a double first; rounding twice would go the wrong way.
        let text = "1.00000017881393432617187499"
        var floats = RowBuffer<Float>()
        try read(text, into: &floats, .csv, features: 1, limit: 1)
        #expect(floats.values == [1.00000012])
        #expect(Float(Double(text)!) == 1.00000024)
        var doubles = RowBuffer<Double>()
        try read(text, into: &doubles, .csv, features: 1, limit: 1)
        #expect(doubles.values == [Double(text)!])
    }
}
