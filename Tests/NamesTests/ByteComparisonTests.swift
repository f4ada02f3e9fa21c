import Names
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct ByteComparisonTests {
    @Test func prefixesAndSuffixesAreBytes() {
        #expect("/\u{338}etc".hasBytePrefix("/") && !"/\u{338}etc".hasPrefix("/"))
        #expect("x-amz-meta-\u{301}".hasBytePrefix("x-amz-meta-"))
        #expect(!"\u{212A}ey".hasBytePrefix("K") && "\u{212A}ey".hasPrefix("K"))
        #expect("a.\u{301}".hasByteSuffix("\u{301}") && !"cafe\u{301}".hasByteSuffix("\u{E9}"))
        #expect("a".hasByteSuffix("") && !"a".hasByteSuffix("ba") && "ba"[...].hasByteSuffix("ba"))
    }

    @Test func piecesAreCutAtBytes() {
        #expect("../\u{338}x".pieces(at: "/").map(Name.init) == ["..", "\u{338}x"])
        #expect("a\r\nb\n".pieces(at: "\n").map(Name.init) == ["a\r", "b", ""])
        #expect("a=b=c".pieces(at: "=", cuts: 1).map(Name.init) == ["a", "b=c"])
        #expect("a\u{37E}b".pieces(at: ";").count == 1)
    }

    @Test func lettersOfASCIIAloneAreLowered() {
        #expect("X-Amz-\u{212A}\u{C9}".asciiLowercased().hasSameBytes(as: "x-amz-\u{212A}\u{C9}"))
    }

    @Test func piecesJoinedAreTheText() {
        var random = SeededGenerator.printed()
        for _ in 0..<300 {
            let (first, second) = Twins.random(using: &random)
            #expect(first.pieces(at: "/").joined(separator: "/").hasSameBytes(as: first))
            #expect(!first.hasSameBytes(as: second) && !first.hasBytePrefix(second))
        }
    }
}
