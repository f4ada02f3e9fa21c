import InferenceWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct InferJSONTests {
    private func rows(_ text: String, _ signature: ModelSignature = .sample(), limit: Int = 3) throws -> [Double] {
        var rows = RowBuffer<Double>()
        let request = try readREST(Array(text.utf8), signature, limitRows: limit, into: &rows)
        #expect(request.rowCount * signature.featureCount == rows.values.count)
        return rows.values
    }

    @Test(
        arguments: [
            (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]}]}"#, [1, 2, 3, 4, 5, 6]),
            (
                #"{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":[[1,2,3],[4,5,6]]}]}"#,
                [1, 2, 3, 4, 5, 6]
            ),
            // The data may come before what it takes to read them.
            (#"{"inputs":[{"data":[[1,null,3]],"shape":[1,3],"datatype":"FP64","name":"x"}]}"#, [1, .nan, 3]),
            (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[1,NaN,3]}]}"#, [1, .nan, 3]),
            (#"{"inputs":[{"name":"x","datatype":"BOOL","shape":[3],"data":[true,false,true]}]}"#, [1, 0, 1]),
            (
                #"{"id":null,"more":{"a":[1]},"parameters":null,"outputs":[],"inputs":[{"name":"x","datatype":"INT8","shape":[3],"data":[1,-128,127],"extra":7}]}"#,
                [1, -128, 127]
            ),
            (
                #"{"inputs":[{"name":"price","datatype":"FP32","shape":[2],"data":[2,5]},{"name":"gr\u00f6\u00dfe","datatype":"INT32","shape":[2,1],"data":[[3],[6]]},{"name":"age","datatype":"FP64","shape":[2,1],"data":[1,4]}]}"#,
                [1, 2, 3, 4, 5, 6]
            ),
        ] as [(String, [Double])])
    func readsTheShapesThatRowsComeIn(text: String, expected: [Double]) throws {
        #expect(try same(rows(text), expected))
    }

    @Test func aModelOfOneFeatureTakesAColumn() throws {
        for shape in ["[2]", "[2,1]"] {
            let text = #"{"inputs":[{"name":"any","datatype":"FP32","shape":\#(shape),"data":[1,2]}]}"#
            #expect(try rows(text, .plain(featureCount: 1)) == [1, 2])
        }
    }

    /// Names that two features share are as good as none.
    @Test(arguments: [[], ["a", "a"]])
    func featuresWithoutNamesAreNumbered(names: [String]) throws {
        func text(_ first: String) -> String {
            """
            {"inputs":[{"name":"\(first)","datatype":"FP32","shape":[1],"data":[2]},\
            {"name":"f0","datatype":"FP32","shape":[1],"data":[1]}]}
            """
        }
        let signature = ModelSignature.plain(RowSchema(featureCount: 2, featureNames: names))
        #expect(try rows(text("f1"), signature) == [1, 2])
        for name in ["f01", "f2", "f-1", "f", "1", "a"] {
            #expect {
                try rows(text(name), signature)
            } throws: { error in
                "\(error)" == "inputs[0].name: the model has no feature \"\(name)\""
            }
        }
    }

    private static let ranges: [(TensorDatatype, low: String, high: String, under: String, over: String)] = [
        (.uint8, "0", "255", "-1", "256"), (.uint16, "0", "65535", "-1", "65536"),
        (.uint32, "0", "4294967295", "-1", "4294967296"),
        (.uint64, "0", "18446744073709551615", "-1", "18446744073709551616"),
        (.int8, "-128", "127", "-129", "128"), (.int16, "-32768", "32767", "-32769", "32768"),
        (.int32, "-2147483648", "2147483647", "-2147483649", "2147483648"),
        (.int64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"),
    ]

    /// To the last number, which a Float does not tell from the first one out of range.
    @Test(arguments: ranges.indices) func wholeNumbersLieInTheRangeOfTheirDatatype(index: Int) throws {
        let (datatype, low, high, under, over) = Self.ranges[index]
        func read(_ number: String) throws -> Float {
            let text = """
                {"inputs":[{"name":"x","datatype":"\(datatype.rawValue)","shape":[1],"data":[\(number)]}]}
                """
            var floats = RowBuffer<Float>()
            _ = try readREST(Array(text.utf8), .plain(featureCount: 1), into: &floats)
            return floats.values[0]
        }
        #expect(try read(low) == Float(low) && read(high) == Float(high))
        #expect(try read(high + ".0") == Float(high) && read("1e2") == 100 && read("-0") == 0)
        #expect(try read("NaN").isNaN && read("null").isNaN)
        for number in [under, over, over + "000", "1.5", "1e-1", "1e30", "18446744073709557616", "Infinity"] {
            #expect {
                try read(number)
            } throws: { error in
                "\(error)" == "row 1, column 1: the number is no whole number in the range of \(datatype.rawValue)"
            }
        }
    }

    @Test func textIsRoundedOnceToTheRowsType() throws {
        // Halfway between two floats when read as a double first; rounding twice would go the wrong way.
        let text = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1.00000017881393432617187499]}]}"#
        var floats = RowBuffer<Float>()
        _ = try readREST(Array(text.utf8), .plain(featureCount: 1), into: &floats)
        #expect(floats.values == [1.00000012])
    }

    private static func input(_ rest: String) -> String { #"{"inputs":[{"name":"x",\#(rest)}]}"# }

    @Test(
        arguments: [
            ("", "the request: the text ends too early, at byte 0"),
            ("[]", "the request: the value is of another kind than expected, at byte 0"),
            (
                "{}",
                "inputs: there is none; the model takes one tensor of [rows, 3] or [3], or one of [rows] for each of its 3 features by name"
            ),
            (#"{"inputs":[]} x"#, "the request: bytes follow the value, at byte 14"),
            (#"{"inputs":[7]}"#, "inputs[0]: the value is of another kind than expected, at byte 11"),
            (#"{"inputs":[{"name":""}]}"#, "inputs[0].name: missing"),
            (input(#""shape":[1,3],"data":[1,2,3]"#), "inputs[0].datatype: missing"),
            (input(#""datatype":"FP32","data":[1,2,3]"#), "inputs[0].shape: missing"),
            (input(#""datatype":"FP32","shape":[1,3]"#), "inputs[0].data: missing"),
            (input(#""datatype":"FP128","shape":[1,3],"data":[]"#), #"inputs[0].datatype: "FP128" is no datatype"#),
            (
                input(#""datatype":"BYTES","shape":[1,3],"data":["a","b","c"]"#),
                #"inputs[0].datatype: BYTES: feature "age" takes numbers"#
            ),
            (
                input(#""datatype":"FP32","shape":[1,3,1],"data":[]"#),
                "inputs[0].shape: 3 dimensions; take [rows, features], [features] or, by feature, [rows]"
            ),
            (input(#""datatype":"FP32","shape":[-1,3],"data":[]"#), "inputs[0].shape: a dimension of -1"),
            (
                input(#""datatype":"FP32","shape":[9999999999,3],"data":[]"#),
                "inputs[0].shape: a dimension of 9999999999"
            ),
            (
                input(#""datatype":"FP32","shape":[2,2],"data":[1,2,3,4]"#),
                "inputs[0].shape: [2, 2]; the model takes one tensor of [rows, 3] or [3], or one of [rows] for each of its 3 features by name"
            ),
            (input(#""datatype":"FP32","shape":[0,3],"data":[]"#), "the request has no rows"),
            (
                input(#""datatype":"FP32","shape":[4,3],"data":[1,2,3,4,5,6,7,8,9,10,11,12]"#),
                "the request has more than 3 rows"
            ),
            (input(#""datatype":"FP32","shape":[2000000000,3],"data":[1,2,3]"#), "the request has more than 3 rows"),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5]"#),
                "inputs[0].data: 5 elements; its shape asks for 6"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"data":[1,2,3,4]"#),
                "inputs[0].data: more elements than the 3 that its shape asks for"
            ),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[[1,2,3],[4,5]]"#),
                "inputs[0].data: row 2 has 2 elements, not 3"
            ),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[[1,2,3,4],[4,5]]"#),
                "inputs[0].data: row 1 has more than 3 elements"
            ),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[[1,2,3],4,5,6]"#),
                "inputs[0].data: element 4 breaks the nesting of those before it"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"data":null"#),
                "inputs[0].data: null stands where an array belongs"
            ),
            (
                input(#""data":"1,2,3","datatype":"FP32","shape":[1,3]"#),
                #"inputs[0].data: the string "1,2,3" stands where an array belongs"#
            ),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[1,2,3,4,"x",6]"#),
                #"row 2, column 2: the string "x" stands where a number belongs"#
            ),
            (
                input(#""datatype":"FP32","shape":[2,3],"data":[1,2,3,4,1e999,6]"#),
                "row 2, column 2: the number is not finite"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"data":[1,2,-Infinity]"#),
                "row 1, column 3: the number is not finite"
            ),
            (
                input(#""datatype":"UINT8","shape":[1,3],"data":[1,300,3]"#),
                "row 1, column 2: the number is no whole number in the range of UINT8"
            ),
            (
                input(#""datatype":"INT64","shape":[1,3],"data":[1,2.5,3]"#),
                "row 1, column 2: the number is no whole number in the range of INT64"
            ),
            (
                input(#""datatype":"BOOL","shape":[1,3],"data":[true,1,true]"#),
                "row 1, column 2: a number stands where true or false belongs"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}"#),
                "inputs[0].parameters.binary_data_size: 12, without a header Inference-Header-Content-Length"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":-1}"#),
                "inputs[0].parameters.binary_data_size: -1"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12},"data":[1,2,3]"#),
                "inputs[0].data: beside binary data"
            ),
            (
                input(#""datatype":"FP32","shape":[1,3],"parameters":{"shared_memory_region":"r"}"#),
                "inputs[0].parameters.shared_memory_region: shared memory is not served"
            ),
            (
                #"{"inputs":[{"name":"age","datatype":"FP32","shape":[1],"data":[1]},{"name":"price","datatype":"FP32","shape":[1],"data":[1]}]}"#,
                "inputs: there are 2; the model takes one tensor of [rows, 3] or [3], or one of [rows] for each of its 3 features by name"
            ),
            (
                #"{"inputs":[{"name":"age","datatype":"FP32","shape":[1],"data":[1]},{"name":"price","datatype":"FP32","shape":[1],"data":[1]},{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}"#,
                #"inputs[2].name: the model has no feature "x""#
            ),
            (
                #"{"inputs":[{"name":"age","datatype":"FP32","shape":[1],"data":[1]},{"name":"price","datatype":"FP32","shape":[1],"data":[1]},{"name":"age","datatype":"FP32","shape":[1],"data":[1]}]}"#,
                #"inputs[2].name: "age" stands twice"#
            ),
            (
                #"{"inputs":[{"name":"age","datatype":"FP32","shape":[1],"data":[1]},{"name":"price","datatype":"FP32","shape":[2],"data":[1,2]},{"name":"größe","datatype":"FP32","shape":[1],"data":[1]}]}"#,
                "inputs[1].shape: [2]; here a feature's is [1] or [1, 1]"
            ),
            (
                #"{"inputs":[{"name":"age","datatype":"FP32","shape":[3],"data":[1]},{"name":"price","datatype":"FP32","shape":[3],"data":[1]},{"name":"größe","datatype":"FP32","shape":[3],"data":[1]}]}"#,
                "inputs[0].data: 1 elements; its shape asks for 3"
            ),
            (#"{"outputs":[{"name":"y"}]}"#, #"outputs[0].name: the model has no output "y"; it has "predict""#),
            (#"{"outputs":[{}]}"#, "outputs[0].name: missing"),
            (#"{"outputs":[{"name":"predict"},{"name":"predict"}]}"#, #"outputs[1].name: "predict" stands twice"#),
            (
                #"{"outputs":[{"name":"predict","parameters":{"classification":-1}}]}"#,
                "outputs[0].parameters.classification: -1"
            ),
            (
                #"{"parameters":{"binary_data_output":1}}"#,
                "parameters: the value is of another kind than expected, at byte 36"
            ),
            (#"{"id":7}"#, "id: the value is of another kind than expected, at byte 6"),
        ] as [(String, String)])
    func refusesWithTheFieldAtFault(text: String, expected: String) {
        #expect {
            try rows(text)
        } throws: { error in
            "\(error)" == expected
        }
    }

    @Test(
        arguments: [
            (12, 12, nil), (0, 12, "the request: the text ends too early"),
            (99999, 12, "Inference-Header-Content-Length: 99999"),
            (nil, 12, "the request: bytes follow the value"),
            (12, 16, "Inference-Header-Content-Length: 4 bytes follow"),
            (12, 8, "inputs[0].parameters.binary_data_size: 12, where the body has 8 bytes left"),
        ] as [(Int?, Int, String?)])
    func binaryTensorsAreExactlyWhatFollows(header: Int?, count: Int, expected: String?) throws {
        let json = Self.input(#""datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}"#)
        let body = Array(json.utf8) + [UInt8](repeating: 0, count: count)
        let stated = header == 12 ? json.utf8.count : header
        var rows = RowBuffer<Float>()
        guard let expected else {
            #expect(try readREST(body, jsonByteCount: stated, into: &rows).rowCount == 1)
            return
        }
        #expect {
            try readREST(body, jsonByteCount: stated, into: &rows)
        } throws: { error in
            "\(error)".hasPrefix(expected)
        }
        #expect(rows.rowCount == 0 && rows.values.isEmpty)
    }

    @Test func aTensorsBytesAreThoseOfItsShapeAndDatatype() {
        let json = Self.input(#""datatype":"FP64","shape":[1,3],"parameters":{"binary_data_size":12}"#)
        var rows = RowBuffer<Float>()
        #expect {
            try readREST(
                Array(json.utf8) + [UInt8](repeating: 0, count: 12), jsonByteCount: json.utf8.count, into: &rows)
        } throws: { error in
            "\(error)" == "inputs[0]: 12 bytes; its shape and datatype ask for 24"
        }
    }
}
