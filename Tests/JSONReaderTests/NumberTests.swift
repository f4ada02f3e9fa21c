import Foundation
import JSONReader
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct NumberTests {
    /// Each text must read as glibc reads it (Swift's own initialisers call it), to the bit.
    @Test(arguments: [
        "0", "-0", "0.0", "-0.0e5", "1", "0.1", "0.3", "1e22", "1e23", "9007199254740993", "9007199254740992.5",
        "179769313486231570000000000000000000000e270", "1.7976931348623157e308", "1.7976931348623158e308",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308", "4.9e-324", "2.4703282292062328e-324", "2.4703282292062327e-324", "1e-400",
        "1e-99999",
        "0.000000000000000000000000000000000000000000001401298464324817", "1.17549435e-38", "1.1754943508222874e-38",
        "7.006492321624085e-46",
        "7.006492321624086e-46", "3.4028234663852886e38", "3.4028235677973365e38", "16777217", "16777216.99999999999",
        "16777217.0000000001",
        "33554433", "0.50000002980232238769531249999999999999999", "0.5000000298023223876953125",
        "0.50000002980232238769531250000000000000001",
        "1000000059604644775390625e-24", "1.00000005960464477539062", "123456789012345678901234567890",
        "0.00012345678901234567890",
    ])
    func roundsLikeTheLibrary(text: String) throws {
        let double = try #require(Double(text))
        let float = try #require(Float(text))
        #expect(NumberText.double(Array(text.utf8).span)?.bitPattern == double.bitPattern)
        #expect(NumberText.float(Array(text.utf8).span)?.bitPattern == float.bitPattern)
    }

    @Test func roundsRandomNumbersLikeTheLibrary() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<40_000 {
            let text = randomNumber(&random)
            let double = try #require(Double(text))
            let float = try #require(Float(text))
            #expect(NumberText.double(Array(text.utf8).span)?.bitPattern == double.bitPattern, "\(text)")
            #expect(NumberText.float(Array(text.utf8).span)?.bitPattern == float.bitPattern, "\(text)")
        }
    }

    /// The printed form of any finite number reads back as that number.
    @Test func readsBackWhatSwiftPrints() {
        var random = SeededGenerator.printed()
        for _ in 0..<40_000 {
            let double = Double(bitPattern: random.next())
            if double.isFinite { #expect(NumberText.double(Array("\(double)".utf8).span) == double) }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite { #expect(NumberText.float(Array("\(float)".utf8).span) == float) }
        }
    }

    @Test func ignoresTheLocaleOfTheProcess() {
        // Where the locale is not installed, setlocale answers nil and the claim holds trivially.
        let before = setlocale(LC_ALL, nil).map { String(cString: $0) }
        defer { _ = setlocale(LC_ALL, before) }
        for name in ["de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"] { _ = setlocale(LC_ALL, name) }
        #expect(NumberText.double(Array("0.30000000000000004441".utf8).span) == 0.30000000000000004)
    }

    @Test(
        arguments: [
            ("+1", 1), (".5", 0.5), ("5.", 5), ("007", 7), ("inf", .infinity), ("-Infinity", -.infinity),
            ("+INF", .infinity),
        ] as [(String, Float)])
    func spellsFieldsLeniently(text: String, value: Float) {
        #expect(NumberText.float(Array(text.utf8).span) == value)
    }

    @Test(arguments: [
        "", ".", "-", "+", "e5", "1e", "1e+", "1x", " 1", "1 ", "0x10", "infin", "nanx", "--1", "+-1", "1..2", "n",
        "na",
    ])
    func refusesFieldsThatAreNoNumbers(text: String) {
        #expect(NumberText.float(Array(text.utf8).span) == nil)
        #expect(NumberText.double(Array(text.utf8).span) == nil)
    }

    @Test func takesNaNInAnyCase() {
        for text in ["nan", "NaN", "NAN", "-nan"] { #expect(NumberText.float(Array(text.utf8).span)?.isNaN == true) }
    }

    private func randomNumber(_ random: inout SeededGenerator) -> String {
        var text = Bool.random(using: &random) ? "-" : ""
        func digits(_ range: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: range, using: &random)).map { _ in
                    Character("\(Int.random(in: 0...9, using: &random))")
                })
        }
        text += "\(Int.random(in: 1...9, using: &random))" + digits(0...20)
        if Bool.random(using: &random) { text += "." + digits(1...25) }
        if Bool.random(using: &random) { text += "e\(Int.random(in: -340...310, using: &random))" }
        return text
    }
}
