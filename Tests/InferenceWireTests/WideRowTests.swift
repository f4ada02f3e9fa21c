import InferenceWire
import Testing

/// Rows by name of a model with many features: a few bytes ask for many numbers.
@Suite(.timeLimit(.minutes(3))) struct WideRowTests {
    private static let featureCount = 1 << 12
    private static let schema = RowSchema(
        featureCount: featureCount, featureNames: (0..<featureCount).map { "f\($0)" })

    private struct Read {
        var buffer = RowBuffer<Float>()

        mutating func callAsFunction(_ text: String, _ format: RowFormat, _ limits: RowLimits) -> RowError? {
            Array(text.utf8).withUnsafeBytes { body in
                do throws(RowError) {
                    try buffer.read(body, as: format, schema: WideRowTests.schema, limits: limits)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    /// So many rows in few bytes, in each form that names features.
    private static func texts(rowCount: Int) -> [(RowFormat, String)] {
        [
            (.json, "[" + repeatElement("{}", count: rowCount).joined(separator: ",") + "]"),
            (.json, #"{"instances":["# + repeatElement(#"{"f7":1}"#, count: rowCount).joined(separator: ",") + "]}"),
            (.jsonLines, String(repeating: "{}\n", count: rowCount)),
            (.csvWithHeader, "f0\n" + String(repeating: "1\n", count: rowCount)),
        ]
    }

    @Test func aRequestOfTooManyNumbersIsRefusedBeforeTheyAreKept() {
        let (format, text) = Self.texts(rowCount: 2049)[0]
        var read = Read()
        #expect(
            read(text, format, RowLimits(rowCount: 100_000))
                == .tooManyCells(limit: 1 << 23, featureCount: Self.featureCount))
        #expect(read.buffer.values.isEmpty)
        #expect(read.buffer.values.capacity <= 1 << 20, "what a refused request took is given back")
        let error = RowError.tooManyCells(limit: 1 << 23, featureCount: 4096)
        #expect(error.status == 413)
        #expect("\(error)" == "the request's rows come to more than 8388608 numbers, each row to 4096")
    }

    @Test func asManyNumbersAsAreAllowedAreRead() {
        for (format, text) in Self.texts(rowCount: 6) {
            var read = Read()
            #expect(read(text, format, RowLimits(rowCount: 6, cellCount: 6 * Self.featureCount)) == nil)
            #expect(read.buffer.rowCount == 6 && read.buffer.values.count == 6 * Self.featureCount)
            #expect(
                read(text, format, RowLimits(rowCount: 6, cellCount: 6 * Self.featureCount - 1))
                    == .tooManyCells(limit: 6 * Self.featureCount - 1, featureCount: Self.featureCount))
        }
    }

    @Test func whatTakesLongerThanALoopHasIsGivenUp() {
        let prompt = RowLimits(rowCount: 100_000, promptCellCount: 1 << 15)
        for (format, text) in Self.texts(rowCount: 9) {
            var read = Read()
            #expect(read(text, format, prompt) == .notPrompt)
            #expect(read.buffer.rowCount == 0 && read.buffer.values.isEmpty)
            #expect(read.buffer.values.capacity < 1 << 16, "no more was taken than the budget")
        }
        for (format, text) in Self.texts(rowCount: 8) {
            var read = Read()
            #expect(read(text, format, prompt) == nil && read.buffer.rowCount == 8)
        }
    }

    /// A row by position has its bytes in the request: neither limit is for it.
    @Test func rowsByPositionAreBoundedByTheirBytes() {
        var read = Read()
        let row = repeatElement("1", count: Self.featureCount).joined(separator: ",")
        let limits = RowLimits(rowCount: 10, cellCount: 1, promptCellCount: 1)
        #expect(read("\(row)\n\(row)\n", .csv, limits) == nil && read.buffer.rowCount == 2)
        #expect(read("[[\(row)],[\(row)]]", .json, limits) == nil && read.buffer.rowCount == 2)
        #expect(read("{\"features\":[\(row)]}\n", .jsonLines, limits) == nil && read.buffer.rowCount == 1)
    }

    @Test func memoryOfALargeRequestIsGivenBackAndThatOfASmallOneKept() {
        var read = Read()
        let (format, large) = Self.texts(rowCount: 400)[0]
        #expect(read(large, format, RowLimits(rowCount: 2000)) == nil)
        #expect(read.buffer.values.capacity >= 400 * Self.featureCount)
        let small = Self.texts(rowCount: 4)[0].1
        #expect(read(small, format, RowLimits(rowCount: 2000)) == nil)
        let kept = read.buffer.values.capacity
        #expect(kept <= 1 << 20)
        #expect(read(small, format, RowLimits(rowCount: 2000)) == nil)
        #expect(read.buffer.values.capacity == kept, "a steady load allocates nothing")
    }
}
