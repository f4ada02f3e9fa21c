import JSONReader
import PropertyTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct TextTests {
    /// With escapes and without; a twin is another word.
    @Test func wordsAreComparedByBytes() throws {
        func isWord(_ json: String) throws -> Bool {
            try JSONReader.read(Array(json.utf8).span) { (reader) throws(JSONError) in
                try reader.beginObject()
                guard let key = try reader.nextKey() else { return false }
                let found = reader.text(key, is: "K;")
                try reader.skipValue()
                return found
            }
        }
        #expect(try isWord(#"{"K;":1}"#) && isWord(#"{"\u004b;":1}"#))
        for twin in [#"{"\u212a;":1}"#, #"{"K\u037e":1}"#, "{\"\u{212A};\":1}"] { #expect(try !isWord(twin)) }
    }

    @Test func stringsKeepTheirBytes() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<200 {
            let (text, _) = Twins.random(using: &random)
            let json =
                random.next() & 1 == 0
                ? "\"\(text)\""
                : "\""
                    + text.utf16.map { unit in
                        let digits = String(unit, radix: 16)
                        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                    }.joined() + "\""
            let read = try JSONReader.read(Array(json.utf8).span) { (reader) throws(JSONError) in
                try reader.readString()
            }
            #expect(Array(read.utf8) == Array(text.utf8))
        }
    }
}
