import InferenceWire
import JSONReader
import PropertyTesting
import Testing

/// Rows that name their features, in JSON, in JSON lines and under a CSV header.
@Suite(.timeLimit(.minutes(3))) struct NamedRowTests {
    private let schema = RowSchema(featureCount: 3, featureNames: ["site_id", "price", "häuser, \"neu\""])

    private func rows(_ text: String, _ format: RowFormat, _ schema: RowSchema? = nil, limit: Int = 4) throws
        -> [Double]
    {
        var buffer = RowBuffer<Double>()
        try Array(text.utf8).withUnsafeBytes {
            try buffer.read($0, as: format, schema: schema ?? self.schema, limits: RowLimits(rowCount: limit))
        }
        return buffer.values
    }

    private func same(_ left: [Double], _ right: [Double]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }

    @Test(
        arguments: [
            (#"{"instances":[{"site_id":3,"price":0.2}]}"#, [3, 0.2, .nan]),
            (
                #"[{"price":1},{"häuser, \"neu\"":2,"site_id":null},{}]"#,
                [.nan, 1, .nan, .nan, .nan, 2, .nan, .nan, .nan]
            ),
            (#"[{"pr\u0069ce":1}]"#, [.nan, 1, .nan]), (#"[{"price":1,"site_id":NaN}]"#, [.nan, 1, .nan]),
            (
                #"[{"id":9,"features":[1,2,3]},{"price":1,"features":[4,5,6]},{"features":[7,8,9],"price":1}]"#,
                [1, 2, 3, 4, 5, 6, 7, 8, 9]
            ),
            (#"[[1,2,3],{"price":5}]"#, [1, 2, 3, .nan, 5, .nan]),
        ] as [(String, [Double])])
    func jsonRowsMayNameTheirFeatures(text: String, expected: [Double]) throws {
        #expect(try same(rows(text, .json), expected))
    }

    @Test(
        arguments: [
            (#"[{"site_id":1},{"prize":2}]"#, .unknownFeature(row: 2, feature: "prize")),
            (#"[{"price":1,"price":2}]"#, .repeatedFeature(row: 1, feature: "price")),
            (#"[{"price":"a"}]"#, .badFeature(row: 1, feature: "price", .string("a", wanted: .number))),
            (#"[{"price":[1]}]"#, .badFeature(row: 1, feature: "price", .kind(.array, wanted: .number))),
            (#"[{"price":-Infinity}]"#, .featureNotFinite(row: 1, feature: "price")),
            (#"[{"price":1e999}]"#, .featureNotFinite(row: 1, feature: "price")),
            (#"[{},{},{},{},{}]"#, .tooManyRows(limit: 4)),
            (#"{"site_id":1}"#, .noInstances),
        ] as [(String, RowError)])
    func aRefusalNamesTheFeature(text: String, expected: RowError) {
        #expect(throws: expected) { try rows(text, .json) }
    }

    @Test(
        arguments: [
            ("[1,2,3]\n{\"price\":5}\r\n\n{\"features\":[4,null,6]}\n", [1, 2, 3, .nan, 5, .nan, 4, .nan, 6]),
            ("{}", [.nan, .nan, .nan]), (" [1,2,3] ", [1, 2, 3]),
        ] as [(String, [Double])])
    func jsonLinesHoldOneRowEach(text: String, expected: [Double]) throws {
        #expect(try same(rows(text, .jsonLines), expected))
    }

    @Test(
        arguments: [
            ("", .noRows), ("\n \r\n", .noRows), ("[1,2,3]\n[1,2]", .wrongFieldCount(row: 2, found: 2, expected: 3)),
            ("[1,2,3]\n\n[1,\"x\",3]", .badValue(row: 2, column: 2, .string("x", wanted: .number))),
            ("{}\n{\"x\":1}", .unknownFeature(row: 2, feature: "x")),
            ("{}\n{}\n{}\n{}\n{}", .tooManyRows(limit: 4)),
        ] as [(String, RowError)])
    func aRefusalNamesTheLine(text: String, expected: RowError) {
        #expect(throws: expected) { try rows(text, .jsonLines) }
    }

    @Test func brokenLinesAreToldByTheByteOfTheBody() {
        for text in ["[1,2,3]\n[1,2,", "[1,2,3] [1,2,3]", "7", "[1,\n2,3]", "{\"price\":1}}"] {
            #expect(throws: RowError.self) { try rows(text, .jsonLines) }
        }
        #expect("\(#expect(throws: RowError.self) { try rows("[1,2,3]\n[1,x]", .jsonLines) }!)".hasSuffix("at byte 11"))
    }

    @Test(
        arguments: [
            ("price,site_id\n0.2,3\n,4\n", [3, 0.2, .nan, 4, .nan, .nan]),
            ("\"häuser, \"\"neu\"\"\",price\r\n1,\"2\"\r\n\"\",3", [.nan, 2, 1, .nan, 3, .nan]),
            ("site_id\n1\n\n2", [1, .nan, .nan, .nan, .nan, .nan, 2, .nan, .nan]),
            (" price , site_id \n 1 , 2 \n", [2, 1, .nan]), ("\u{FEFF}price,site_id\n1,2\n\n \r\n", [2, 1, .nan]),
            ("price\n1\n\n", [.nan, 1, .nan, .nan, .nan, .nan]),
        ] as [(String, [Double])])
    func aHeaderLineNamesTheColumns(text: String, expected: [Double]) throws {
        #expect(try same(rows(text, .csvWithHeader), expected))
    }

    @Test(
        arguments: [
            ("", .noRows), ("price\n", .noRows), ("price,site_id\n\n", .noRows),
            ("price,prize\n1,2", .unknownFeature(row: 0, feature: "prize")),
            ("price,price\n1,2", .repeatedFeature(row: 0, feature: "price")),
            ("price,site_id\n1", .wrongColumnCount(row: 1, found: 1, header: 2)),
            ("price\n1\n1,2", .wrongColumnCount(row: 2, found: 2, header: 1)),
            ("price\n1\nx", .badFeature(row: 2, feature: "price", .text("x"))),
            ("site_id,price\n1,inf", .featureNotFinite(row: 1, feature: "price")),
            ("price\n\"1", .malformedQuotes(row: 1)), ("price\n\"1\"2", .malformedQuotes(row: 1)),
            ("\"price", .malformedQuotes(row: 0)), ("price,\n1,2", .unknownFeature(row: 0, feature: "")),
            ("price\n1\n1\n1\n1\n1", .tooManyRows(limit: 4)),
        ] as [(String, RowError)])
    func aRefusalUnderAHeaderNamesTheFeature(text: String, expected: RowError) {
        #expect(throws: expected) { try rows(text, .csvWithHeader) }
    }

    @Test func aModelWithoutUniqueNamesTakesRowsByPositionOnly() throws {
        for names in [[], ["a", "b", "a"]] {
            let nameless = RowSchema(featureCount: 3, featureNames: names)
            #expect(throws: RowError.noFeatureNames(row: 1)) { try rows(#"[{"a":1}]"#, .json, nameless) }
            #expect(throws: RowError.noFeatureNames(row: 0)) { try rows("a\n1", .csvWithHeader, nameless) }
            #expect(try rows("[1,2,3]", .jsonLines, nameless) == [1, 2, 3])
        }
    }

    @Test func everyNameOfManyIsFoundInAnyOrder() throws {
        var random = SeededGenerator.printed()
        for count in [1, 2, 7, 100, 3000] {
            let names = (0..<count).map { "feature-\($0 % 7)-\($0)" }
            let schema = RowSchema(featureCount: count, featureNames: names)
            let order = (0..<count).shuffled(using: &random)
            let text = "[{" + order.map { "\"\(names[$0])\":\($0)" }.joined(separator: ",") + "}]"
            #expect(try rows(text, .json, schema) == (0..<count).map(Double.init))
            #expect(throws: RowError.unknownFeature(row: 1, feature: "feature-")) {
                try rows(#"[{"feature-":1}]"#, .json, schema)
            }
        }
    }

    /// Feature 1 takes texts.
    private struct Sites: FeatureTexts {
        func isEncoded(_ feature: Int) -> Bool { feature == 1 }
        func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double? {
            switch String(decoding: text, as: UTF8.self) {
            case "a,b": 7
            case "17": 8
            case "": .nan
            default: nil
            }
        }
    }

    @Test func textsBecomeWhatTheEncoderSays() throws {
        let schema = RowSchema(featureCount: 3, featureNames: ["x", "site", "y"], texts: Sites())
        #expect(
            try rows(#"[[1,"a,b",3],[1,"\u0031\u0037",3],[1,17,3]]"#, .json, schema) == [1, 7, 3, 1, 8, 3, 1, 17, 3])
        #expect(try rows(#"[1,"a,b",3]"#, .json, schema) == [1, 7, 3])
        #expect(try same(rows(#"{"site":"17"}"#, .jsonLines, schema), [.nan, 8, .nan]))
        #expect(try rows("1,\"a,b\",3\n1,17,3", .csv, schema) == [1, 7, 3, 1, 8, 3])
        #expect(
            try same(
                rows("site,x\n\"a,b\",1\n,\n\"\",2", .csvWithHeader, schema),
                [1, 7, .nan, .nan, .nan, .nan, 2, .nan, .nan]))
        #expect(throws: RowError.badValue(row: 1, column: 2, .unknownText("c"))) { try rows("1,c,3", .csv, schema) }
        #expect(throws: RowError.badValue(row: 1, column: 2, .unknownText("c"))) {
            try rows(#"[[1,"\u0063",3]]"#, .json, schema)
        }
        #expect(throws: RowError.badFeature(row: 1, feature: "site", .unknownText("c"))) {
            try rows(#"{"site":"c"}"#, .jsonLines, schema)
        }
        #expect(throws: RowError.badFeature(row: 1, feature: "site", .unknownText("c"))) {
            try rows("site\nc", .csvWithHeader, schema)
        }
        #expect(throws: RowError.badValue(row: 1, column: 1, .string("a,b", wanted: .number))) {
            try rows(#"[["a,b",1,3]]"#, .json, schema)
        }
        #expect(throws: RowError.badValue(row: 1, column: 2, .kind(.boolean, wanted: .textOrNumber))) {
            try rows("[[1,true,3]]", .json, schema)
        }
        #expect(throws: RowError.wrongFieldCount(row: 1, found: 2, expected: 3)) { try rows("[[1,2]]", .json, schema) }
    }

    /// Feature 1 takes texts and integers, which it tells apart.
    private struct Categories: FeatureTexts {
        func isEncoded(_ feature: Int) -> Bool { feature == 1 }
        func readsIntegers(_ feature: Int) -> Bool { feature == 1 }
        func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double? { Double(text.count) }
        func number(of integer: Int, feature: Int) -> Double? { Double(integer) - 1000 }
    }

    @Test func integersAreTextsWhereTheModelSaysSo() throws {
        let schema = RowSchema(featureCount: 2, featureNames: ["x", "site"], texts: Categories())
        #expect(try rows(#"[[1,"17"],[1,17],[1,-7]]"#, .json, schema) == [1, 2, 1, -983, 1, -1007])
        #expect(try rows(#"{"site":17,"x":2}"#, .jsonLines, schema) == [2, -983])
        #expect(try rows("1,17\n2,é", .csv, schema) == [1, 2, 2, 2])
        #expect(try same(rows("[[1,null],[2,NaN]]", .json, schema), [1, .nan, 2, .nan]))
        for text in ["1.5", "1e3", "9223372036854775808", "Infinity"] {
            #expect(throws: RowError.badValue(row: 1, column: 2, .neitherTextNorInteger)) {
                try rows("[[1,\(text)]]", .json, schema)
            }
            #expect(throws: RowError.badFeature(row: 1, feature: "site", .neitherTextNorInteger)) {
                try rows(#"{"site":\#(text)}"#, .jsonLines, schema)
            }
        }
        #expect(throws: RowError.self) { try rows("[[1,true]]", .json, schema) }
    }
}
