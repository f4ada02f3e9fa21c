import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct DigitsTests {
    @Test(arguments: [("0", 0), ("5", 5), ("0042", 42), ("9223372036854775807", Int.max)])
    func readsDigits(text: String, value: Int) { #expect(Int(digits: text) == value) }

    @Test(arguments: ["", "+5", "-5", "-0", " 5", "5 ", "5.0", "1e3", "0x5", "1_000", "٥", "５", "9223372036854775808"])
    func readsNothingElse(text: String) { #expect(Int(digits: text) == nil) }

    @Test func holdsToItsWidth() {
        #expect(UInt8(digits: "255") == 255)
        #expect(UInt8(digits: "256") == nil)
        #expect(UInt64(digits: "18446744073709551615") == .max)
        #expect(UInt64(digits: "18446744073709551616") == nil)
    }
}
