import Names
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct NameTests {
    @Test(arguments: Twins.pairs) func twinsAreTwoNames(_ first: String, _ second: String) {
        // What the type is for: the texts themselves are one.
        #expect(first == second && Set([first, second]).count == 1)
        #expect(Name(first) != Name(second) && Set([Name(first), Name(second)]).count == 2)
        #expect((Name(first) < Name(second)) != (Name(second) < Name(first)))
    }

    @Test func namesOfTheSameBytesAreOne() {
        var random = SeededGenerator.printed()
        for _ in 0..<300 {
            let (first, second) = Twins.random(using: &random)
            let copy = String(decoding: Array(first.utf8), as: UTF8.self)
            #expect(Name(first) == Name(copy) && Name(first).hashValue == Name(copy).hashValue)
            #expect(Name(first) == Name(("-" + copy).dropFirst()))
            #expect(Name(first) != Name(second))
            #expect(
                [Name(first), Name(second)].sorted().map(\.text.utf8.first)
                    == [first, second].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map(\.utf8.first))
        }
    }

    @Test func anEmptyNameIsEqualToEmptyNamesOnly() {
        #expect(Name("") == Name(String(decoding: [], as: UTF8.self)) && Name("") != "a" && Name("a".dropFirst()) == "")
    }

    @Test func aLiteralInASwitchIsComparedByBytes() {
        func found(_ word: String) -> Bool {
            switch Name(word) {
            case "K;": true
            default: false
            }
        }
        #expect(found("K;") && !found("\u{212A};") && !found("K\u{37E}"))
    }

    @Test func printsNothingThatForgesALineOrMovesACursor() {
        #expect(
            "\(Name("a\nb\u{1B}[2J\r\u{202E}x\u{2028}\u{85}\u{A0}"))"
                == #"a\nb\u{1B}[2J\r\u{202E}x\u{2028}\u{85}\u{A0}"#)
        #expect("\(Name("caf\u{E9} \\n"))" == #"café \\n"#)
        #expect("\(["a\tb": 1].map { Name($0.key) })" == #"["a\tb"]"#)
    }

    @Test func printedBytesTellTextsApart() {
        var random = SeededGenerator.printed()
        let scalars: [Unicode.Scalar] = ["\\", "n", "\n", "u", "{", "A", "}", "\u{A}", "\u{E9}", "\u{301}", "e"]
        var texts: [String: Name] = [:]
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                text.unicodeScalars.append(scalars.randomElement(using: &random)!)
            }
            let key = text.printable.utf8.map { String($0) }.joined(separator: ",")
            #expect(texts.updateValue(Name(text), forKey: key).map { $0 == Name(text) } ?? true)
        }
    }
}
