import Telemetry
import Testing

@Suite(.timeLimit(.minutes(3))) struct PrintableTextTests {
    @Test(arguments: [
        ("plain ü 漢字", "plain ü 漢字"), ("a\nb\r\tc", "a\\nb\\r\\tc"), ("\u{1B}[2J", "\\u001b[2J"),
        ("\u{202E}evil\u{2066}", "\\u202eevil\\u2066"), ("\u{85}\u{2028}\u{FEFF}", "\\u0085\\u2028\\ufeff"),
        ("\u{E0041}", "\\udb40\\udc41"), ("e\u{301}", "e\u{301}"),
    ])
    func whatIsNotPrintableIsWrittenOut(text: String, shown: String) {
        #expect(Array(printableLine(text).utf8) == Array(shown.utf8))
    }

    @Test func noTextOfOthersMakesTwoLinesOfOne() {
        for value in UInt32(0)...0x2FFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = "a" + String(scalar) + "b"
            for shown in [printableLine(text), jsonQuoted(text)] {
                #expect(!shown.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(value)")
                #expect(!shown.contains { $0.isNewline }, "\(value)")
            }
        }
    }

    @Test func aLineKeepsItsBackslashes() {
        #expect(printableLine("{\"a\":\"\\n\"}\u{7F}") == "{\"a\":\"\\n\"}\\u007f")
    }
}
