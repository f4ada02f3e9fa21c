import InferenceWire
import Names
import PropertyTesting
import Testing

/// Features that differ in their bytes alone are two, in every form of rows.
@Suite(.timeLimit(.minutes(3))) struct TextTests {
    private func rows(_ text: String, _ format: RowFormat, _ schema: RowSchema) throws -> [Double] {
        var buffer = RowBuffer<Double>()
        try Array(text.utf8).withUnsafeBytes {
            try buffer.read($0, as: format, schema: schema, limits: RowLimits(rowCount: 2))
        }
        return buffer.values
    }

    @Test func twinsGoToTheirOwnColumns() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<100 {
            let (first, second) = Twins.random(using: &random)
            let schema = RowSchema(featureCount: 2, featureNames: [first, second])
            #expect(schema.names?.count == 2)
            #expect(try rows("[{\"\(second)\":2,\"\(first)\":1}]", .json, schema) == [1, 2])
            #expect(try rows("{\"\(first)\":1,\"\(second)\":2}\n", .jsonLines, schema) == [1, 2])
            #expect(try rows("\"\(second)\",\"\(first)\"\n2,1\n", .csvWithHeader, schema) == [1, 2])
        }
    }

    @Test(arguments: Twins.pairs) func aTwinOfAFeatureIsUnknown(_ first: String, _ second: String) throws {
        let schema = RowSchema(featureCount: 1, featureNames: [first])
        #expect(throws: RowError.self) { _ = try rows("[{\"\(second)\":2}]", .json, schema) }
        #expect(throws: RowError.self) { _ = try rows("\"\(second)\"\n2\n", .csvWithHeader, schema) }
    }

    @Test func mediaTypesAreReadByBytes() {
        #expect(RowFormat(contentType: "text/csv; header=present") == .csvWithHeader)
        #expect(RowFormat(contentType: "TEXT/CSV") == .csv)
        // U+037E is no semicolon, and a mark makes another type.
        #expect(RowFormat(contentType: "text/csv\u{37E} header=present") == nil)
        #expect(RowFormat(contentType: "text/csv;\u{301} header=present") == .csv)
        #expect(RowFormat.answering(accept: "text/csv;q=0\u{37E}5, application/json", request: .csv) == .json)
    }
}
