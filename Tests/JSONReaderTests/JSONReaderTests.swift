import JSONReader
import Testing

@Suite(.timeLimit(.minutes(3))) struct JSONReaderTests {
    @Test func readsNestedValuesInOrder() throws {
        let text = #" {"a" : [1, 2.5,-3e2], "b":{"c":null,"d":true}, "e":"x\n\u00e9\ud83d\ude00/", "f":[]} "#
        var numbers: [Double] = []
        var words: [String] = []
        try JSONReader.read(Array(text.utf8).span) { (json) throws(JSONError) in
            try json.beginObject()
            while let key = try json.nextKey() {
                words.append(json.string(key))
                if json.text(key, is: "a") {
                    try json.readDoubles(into: &numbers)
                } else if json.text(key, is: "e") {
                    words.append(try json.readString())
                } else {
                    try json.skipValue()
                }
            }
            try json.finish()
        }
        #expect(numbers == [1, 2.5, -300])
        #expect(words == ["a", "b", "e", "x\né😀/", "f"])
    }

    @Test(arguments: [
        ("", JSONError.Reason.unexpectedEnd, 0), ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
        ("[1,", .unexpectedEnd, 3),
        ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
        ("[1}", .unexpectedByte, 2),
        ("{\"a\"}", .unexpectedByte, 4), ("{\"a\":1,}", .unexpectedByte, 7), ("{1:2}", .wrongKind, 1),
        ("{\"a\" 1}", .unexpectedByte, 5),
        ("tru", .unexpectedEnd, 3), ("trux", .unexpectedByte, 3), ("nil", .unexpectedByte, 1),
        ("NaN", .unexpectedByte, 0),
        ("-", .unexpectedEnd, 1), ("-x", .malformedNumber, 1), ("01", .malformedNumber, 0), ("1.", .unexpectedEnd, 2),
        ("1.x", .malformedNumber, 2), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3), (".5", .unexpectedByte, 0),
        ("+1", .unexpectedByte, 0), ("\"", .unexpectedEnd, 1), ("\"\\", .unexpectedEnd, 2),
        ("\"\\x\"", .malformedEscape, 1),
        ("\"\\u12g4\"", .malformedEscape, 5), ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
        ("\"\\ud800\\u0041\"", .loneSurrogate, 1), ("\"\u{01}\"", .controlCharacter, 1), ("1 2", .trailingBytes, 2),
        ("[]]", .trailingBytes, 2), ("\u{FEFF}1", .unexpectedByte, 0),
    ])
    func refusesWithReasonAndOffset(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason, at: offset)) { try readOver(Array(text.utf8)) }
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0x80], [0xFF], [0xC3, 0x28], [0xE2, 0x82, 0x28],
        ] as [[UInt8]])
    func refusesBrokenUTF8(sequence: [UInt8]) {
        let error = #expect(throws: JSONError.self) { try readOver([0x22] + sequence + [0x22]) }
        #expect(error?.reason == .invalidUTF8)
    }

    @Test func takesEveryScalarInUTF8() throws {
        for scalar in [0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0xFFFFF, 0x10FFFF] {
            let text = String(try #require(Unicode.Scalar(UInt32(scalar))))
            let read = try JSONReader.read(Array("\"\(text)\"".utf8).span) { (json) throws(JSONError) in
                try json.readString()
            }
            #expect(read == text)
        }
    }

    @Test func boundsDepthAlsoWhileSkipping() throws {
        func nested(_ count: Int) -> [UInt8] {
            Array(repeating: 0x5B, count: count) + Array(repeating: 0x5D, count: count)
        }
        try readOver(nested(8), rules: JSONRules(maxDepth: 8))
        #expect(throws: JSONError(.tooDeep, at: 8)) { try readOver(nested(9), rules: JSONRules(maxDepth: 8)) }
        try readOver(nested(512), rules: JSONRules(maxDepth: 512))
        #expect(throws: JSONError(.tooDeep, at: 512)) { try readOver(nested(100_000), rules: JSONRules(maxDepth: 512)) }
    }

    @Test func boundsStringsNumbersAndArrays() {
        #expect(throws: JSONError(.stringTooLong, at: 1)) {
            try readOver(Array("\"\(String(repeating: "x", count: 11))\"".utf8), rules: JSONRules(maxStringBytes: 10))
        }
        #expect(throws: JSONError(.numberTooLong, at: 0)) {
            try readOver(Array(repeating: UInt8(ascii: "7"), count: 1025))
        }
        #expect(throws: JSONError(.tooManyElements, at: 5)) {
            try JSONReader.read(Array("[1,2,3]".utf8).span) { (json) throws(JSONError) in
                var values: [Float] = []
                try json.readFloats(into: &values, maxCount: 2)
            }
        }
    }

    @Test func takesNonFiniteNumbersOnlyWhenAllowed() throws {
        let text = Array("[NaN,Infinity,-Infinity,1e999,-1e999,1e39]".utf8)
        var values: [Float] = []
        try JSONReader.read(text.span, rules: JSONRules(allowsNonFinite: true)) { (json) throws(JSONError) in
            try json.readFloats(into: &values)
            try json.finish()
        }
        #expect(values[0].isNaN)
        #expect(Array(values[1...]) == [.infinity, -.infinity, .infinity, -.infinity, .infinity])
        #expect(throws: JSONError(.numberTooLarge, at: 1)) {
            try JSONReader.read(Array("[1e39]".utf8).span) { (json) throws(JSONError) in
                var values: [Float] = []
                try json.readFloats(into: &values)
            }
        }
        #expect(throws: JSONError(.numberTooLarge, at: 0)) {
            try JSONReader.read(Array("1e309".utf8).span) { (json) throws(JSONError) in _ = try json.readDouble() }
        }
    }

    @Test func nullIsMissingOnlyWhereTheCallerSaysSo() throws {
        let text = Array("[1,null,2]".utf8)
        var values: [Float] = []
        _ = try JSONReader.read(text.span) { (json) throws(JSONError) in
            try json.readFloats(into: &values, nullIsMissing: true)
        }
        #expect(values.count == 3 && values[1].isNaN)
        #expect(throws: JSONError(.wrongKind, at: 3)) {
            try JSONReader.read(text.span) { (json) throws(JSONError) in try json.readFloats(into: &values) }
        }
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775807", "0", "-0", "12"])
    func readsIntegers(text: String) throws {
        let value = try JSONReader.read(Array(text.utf8).span) { (json) throws(JSONError) in try json.readInt() }
        #expect(value == Int(text))
    }

    @Test(arguments: ["1.0", "1e3", "9223372036854775808", "99999999999999999999999"])
    func refusesWhatIsNoInteger(text: String) {
        #expect(throws: JSONError(.notAnInteger, at: 0)) {
            try JSONReader.read(Array(text.utf8).span) { (json) throws(JSONError) in _ = try json.readInt() }
        }
    }
}

/// Reads any one value to its end.
func readOver(_ bytes: [UInt8], rules: JSONRules = JSONRules()) throws(JSONError) {
    try JSONReader.read(bytes.span, rules: rules) { (json) throws(JSONError) in
        try json.skipValue()
        try json.finish()
    }
}
