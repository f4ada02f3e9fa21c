import JSONReader
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct WholeNumberTests {
    private func whole(_ text: String, isLenient: Bool = true) throws -> (magnitude: UInt64, isNegative: Bool) {
        try JSONReader.read(Array(text.utf8).span, rules: JSONRules(allowsNonFinite: isLenient)) {
            (json) throws(JSONError) in
            let value = try json.readWhole()
            try json.finish()
            return value
        }
    }

    @Test(
        arguments: [
            ("0", 0, false), ("-0", 0, true), ("7", 7, false), ("-7", 7, true),
            ("9223372036854775807", 1 << 63 - 1, false),
            ("-9223372036854775808", 1 << 63, true), ("18446744073709551615", .max, false),
            ("-18446744073709551615", .max, true), ("1.0", 1, false), ("1e3", 1000, false), ("1.50E+1", 15, false),
            ("100e-2", 1, false), ("0.000e-9", 0, false), ("0e99999999", 0, false), ("-2.5e1", 25, true),
            ("18446744073709551615.000", .max, false), ("1844674407370955161.5e1", .max, false),
            ("1000000000000000000000e-3", 1_000_000_000_000_000_000, false), ("12e0", 12, false),
        ] as [(String, UInt64, Bool)])
    func wholeNumbersAreTakenToTheLastDigit(text: String, magnitude: UInt64, isNegative: Bool) throws {
        let value = try whole(text)
        #expect(value.magnitude == magnitude && value.isNegative == isNegative)
    }

    @Test(arguments: [
        "18446744073709551616", "18446744073709551620", "-18446744073709551616", "99999999999999999999", "1e20", "2.5",
        "1e-1", "0.1", "1e99999999", "18446744073709551615.1", "1.00000000000000000000000001", "NaN", "Infinity",
        "-Infinity",
    ])
    func otherNumbersAreRefused(text: String) {
        let error = #expect(throws: JSONError.self) { try whole(text) }
        #expect(error?.reason == .notAnInteger && error?.offset == 0)
    }

    /// The point may stand anywhere if the exponent makes up for it; one place further, and there is a fraction.
    @Test func everySpellingIsTheSameNumber() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<5000 {
            let number = UInt64.random(in: 1...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
            let digits = "\(max(number, 1))"
            let before = Int.random(in: 1...digits.count, using: &random)
            let after = digits.count - before
            let mantissa = digits.prefix(before) + (after > 0 ? "." + digits.suffix(after) : "")
            let value = try whole("-\(mantissa)e\(after)")
            #expect(value.magnitude == max(number, 1) && value.isNegative, "\(mantissa)e\(after)")
            if digits.hasSuffix("0") { continue }
            #expect(throws: JSONError.self, "\(mantissa)e\(after - 1)") { try whole("\(mantissa)e\(after - 1)") }
        }
    }

    @Test func aWordForWhatIsNoNumberIsNoInteger() {
        for text in ["NaN", "Infinity", "-Infinity"] {
            let error = #expect(throws: JSONError.self) {
                try JSONReader.read(Array(text.utf8).span, rules: JSONRules(allowsNonFinite: true)) {
                    (json) throws(JSONError) in
                    try json.readInt()
                }
            }
            #expect(error?.reason == .notAnInteger)
        }
    }

    @Test func aNaNIsTakenWhereTheRulesHaveIt() throws {
        let isTaken = try JSONReader.read(Array("[NaN,1]".utf8).span, rules: JSONRules(allowsNonFinite: true)) {
            (json) throws(JSONError) in
            try json.beginArray()
            _ = try json.nextElement()
            let isNaN = try json.readNaN()
            _ = try json.nextElement()
            let isAnotherNaN = try json.readNaN()
            let number = try json.readInt()
            return isNaN && !isAnotherNaN && number == 1
        }
        #expect(isTaken)
        #expect(throws: JSONError.self) {
            try JSONReader.read(Array("NaN".utf8).span) { (json) throws(JSONError) in
                guard try !json.readNaN() else { return }
                _ = try json.readDouble()
            }
        }
    }

    @Test func aNumberOfTooManyCharactersIsToldFromWhatIsNone() {
        let ones = String(repeating: "1", count: 2000)
        func isTooLong(_ text: String) -> Bool {
            Array(text.utf8).withUnsafeBufferPointer { NumberText.isTooLong($0) }
        }
        #expect(isTooLong("0." + ones) && isTooLong("-" + ones))
        #expect(!isTooLong("0.1") && !isTooLong(ones + "x") && !isTooLong(String(repeating: "x", count: 2000)))
    }
}
