import InferenceWire
import PropertyTesting
import Testing

/// Whatever bytes come, a reader answers with whole rows or with a reason.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct RowFuzzTests {
    private static let corpora: [(RowFormat, [String])] = [
        (.csv, ["1,2,3\n4,5,6\n", " 1 ,\t-2e-3,+.5\r\n,,\r\n", "nan,1e308,0.1\n\"1\",2,3\n \r\n\n", "\u{FEFF}1,2,3"]),
        (.csvWithHeader, ["a,b\n1,2\n,3\n", "\"c \"\"d\"\"\",a\r\n\"1\",2\r\n", "b\n\n1\n"]),
        (
            .json,
            [
                "[[1,null,3],[4e2,-5.5,6]]", "[[1,NaN,3],[Infinity,-Infinity,1e99]]",
                #"{"instances":[{"features":[1,2,3]},{"a":1,"b":null}],"x":{"y":[1,"z"]}}"#,
                #"{"features":[1,2,3]}"#, #"[{"c \"d\"":1,"\u0061":2}]"#,
            ]
        ),
        (.jsonLines, ["[1,2,3]\n{\"a\":1}\n\n{\"features\":[1,null,3]}\r\n", "{\"b\":0.5,\"c \\\"d\\\"\":2}\n"]),
    ]

    @Test(arguments: 0..<4)
    func readersNeverCrash(index: Int) throws {
        let (format, texts) = Self.corpora[index]
        let schemas = [
            RowSchema(featureCount: 3, featureNames: ["a", "b", "c \"d\""]), RowSchema(featureCount: 3),
        ]
        var floats = RowBuffer<Float>()
        var doubles = RowBuffer<Double>()
        var accepted = 0
        let tried = Fuzz.run("\(format)", corpus: texts.map { Array($0.utf8) }) { bytes in
            for schema in schemas {
                var outcomes: [RowError?] = []
                do throws(RowError) {
                    try Self.read(bytes, into: &floats, format, schema)
                    #expect(floats.values.count == floats.rowCount * 3 && (1...4).contains(floats.rowCount))
                    #expect(!floats.values.contains { $0.isInfinite })
                    outcomes.append(nil)
                } catch {
                    #expect(floats.rowCount == 0 && floats.values.isEmpty && !error.description.isEmpty)
                    outcomes.append(error)
                }
                do throws(RowError) {
                    try Self.read(bytes, into: &doubles, format, schema)
                    #expect(doubles.values.count == doubles.rowCount * 3)
                    outcomes.append(nil)
                } catch {
                    outcomes.append(error)
                }
                // Only a number beyond a Float's range may part the two.
                if outcomes[0] != outcomes[1] { #expect(Self.isRange(outcomes[0])) }
                if outcomes[0] == nil { accepted += 1 }
            }
        }
        #expect(tried > 100 && accepted > 0, "changed inputs are still read now and then")
    }

    private static func isRange(_ error: RowError?) -> Bool {
        switch error {
        case .notFinite, .featureNotFinite: true
        default: false
        }
    }

    private static func read<Number>(
        _ bytes: [UInt8], into buffer: inout RowBuffer<Number>, _ format: RowFormat, _ schema: RowSchema
    ) throws(RowError) {
        let result: Result<Void, RowError> = bytes.withUnsafeBytes { body in
            do throws(RowError) {
                try buffer.read(body, as: format, schema: schema, limits: RowLimits(rowCount: 4))
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
