import Testing

@testable import S3Wire

/// What a stranger's document can cost: every byte is looked at a few times, whatever it is a part of.
@Suite(.timeLimit(.minutes(1))) struct XMLWorkTests {
    /// A document of about so many bytes, all of one kind.
    struct Flood: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let before: String
        let piece: @Sendable (Int) -> String
        let after: String

        init(_ claim: String, _ before: String, _ after: String, piece: @escaping @Sendable (Int) -> String) {
            (self.testDescription, self.before, self.after, self.piece) = (claim, before, after, piece)
        }

        func document(pieceCount: Int) -> [UInt8] {
            var bytes = Array(before.utf8)
            for index in 0..<pieceCount { bytes += piece(index).utf8 }
            return bytes + after.utf8
        }
    }

    static let floods = [
        Flood("attributes", "<Delete", "/>") { " a\($0)=\"\"" },
        Flood("attributes of one name", "<Delete", "/>") { _ in " a=\"\"" },
        Flood("attributes of many elements", "<a>", "</a>") { _ in "<a b=\"\" c=\"\" d=\"\"/>" },
        Flood("alike attributes of many elements", "<a>", "</a>") { _ in
            "<a" + (0..<16).map { " " + String(repeating: "n", count: 100) + "\(10 + $0)=\"\"" }.joined() + "/>"
        },
        Flood("a long name", "<", "/>") { _ in "name" },
        Flood("a long name of an attribute", "<a ", "=\"\"/>") { _ in "name" },
        Flood("a long value", "<a b=\"", "\"/>") { _ in "value" },
        Flood("references in a value", "<a b=\"", "\"/>") { _ in "&quot;" },
        Flood("blanks in a tag", "<a", "/>") { _ in "    " },
        Flood("blanks around the root", "", "<a/>") { _ in " \n" },
        Flood("text", "<a>", "</a>") { _ in "text" },
        Flood("entities", "<a>", "</a>") { _ in "&apos;" },
        Flood("an entity without an end", "<a>", "</a>") { _ in "&apos" },
        Flood("character references", "<a>", "</a>") { _ in "&#65;" },
        Flood("one character reference", "<a>&#", ";</a>") { _ in "0000" },
        Flood("carriage returns", "<a>", "</a>") { _ in "\r" },
        Flood("brackets", "<a>", "</a>") { _ in "]]" },
        Flood("characters of three bytes", "<a>", "</a>") { _ in "\u{FFFD}" },
        Flood("comments", "<a>", "</a>") { _ in "<!---->" },
        Flood("one comment", "<a><!--", "--></a>") { _ in "- " },
        Flood("comments that do not end", "<a>", "") { _ in "<!--" },
        Flood("sections", "<a>", "</a>") { _ in "<![CDATA[]]>" },
        Flood("one section", "<a><![CDATA[", "]]></a>") { _ in "]]" },
        Flood("a section that does not end", "<a>", "") { _ in "<![CDATA[" },
        Flood("depth", "", "") { _ in "<a>" },
        Flood("siblings", "<a>", "</a>") { _ in "<b/>" },
        Flood("siblings with text between", "<a>", "</a>") { _ in "<b>t</b>t" },
        Flood("end tags", "<a>", "") { _ in "</a>" },
        Flood("processing instructions", "", "<a/>") { _ in "<?a?>" },
        Flood("declarations", "", "<a/>") { _ in "<?xml version=\"1.0\"?>" },
        Flood("marks of the byte order", "", "<a/>") { _ in "\u{FEFF}" },
    ]

    @Test(arguments: floods) func workIsAMultipleOfTheBytes(flood: Flood) {
        for pieceCount in [1, 100, 1000] {
            let bytes = flood.document(pieceCount: pieceCount)
            var steps = 0
            _ = Result { try XMLReader.read(bytes, limitBytes: 8 << 20, steps: &steps) }
            #expect(steps >= bytes.count, "UTF-8 is looked for in all of it")
            #expect(steps <= 16 * bytes.count + 100)
        }
    }

    @Test func aDeleteOfFourMegabytesOfAttributesEndsAtItsSeventeenth() {
        let bytes = Self.floods[0].document(pieceCount: 300_000)
        var steps = 0
        #expect(throws: XMLReaderError.notTaken(reason: "too many attributes")) {
            try XMLReader.read(bytes, limitBytes: 8 << 20, steps: &steps)
        }
        // Beside the look for UTF-8.
        #expect(steps - bytes.count < 1000)
    }

    @Test(arguments: [
        ("attributes", "too many attributes"), ("a long name", "a name too long"),
        ("a long name of an attribute", "a name too long"), ("a long value", "attributes too large"),
        ("references in a value", "attributes too large"), ("depth", "elements nested too deep"),
        ("processing instructions", "a processing instruction"),
    ])
    func eachBoundIsNamed(claim: String, reason: String) throws {
        let flood = try #require(Self.floods.first { $0.testDescription == claim })
        #expect(throws: XMLReaderError.notTaken(reason: reason)) {
            try XMLReader.read(flood.document(pieceCount: 2000))
        }
    }

    @Test func whatLiesAtABoundIsRead() throws {
        let name = String(repeating: "n", count: 128)
        let attributes = (0..<16).map { " a\($0)=\"\"" }.joined()
        let deep = String(repeating: "<d>", count: 15) + String(repeating: "</d>", count: 15)
        #expect(try XMLReader.read(Array("<\(name)\(attributes)>\(deep)</\(name)>".utf8)).name == name)
        let siblings = String(repeating: "<b/>", count: 99_999)
        #expect(try XMLReader.read(Array("<a>\(siblings)</a>".utf8)).children.count == 99_999)
        #expect(throws: XMLReaderError.notTaken(reason: "too many elements")) {
            try XMLReader.read(Array("<a>\(siblings)<b/></a>".utf8))
        }
    }

    @Test func theLargestDocumentsThatS3KnowsAreRead() throws {
        let key = String(repeating: "&quot;", count: 1024)
        let deletion = "<Object><Key>\(key)</Key><VersionId>null</VersionId></Object>"
        let delete = try DeleteDocument(
            Array("<Delete>\(String(repeating: deletion, count: 1000))</Delete>".utf8))
        #expect(delete.entries.count == 1000)
        #expect(delete.entries.last?.key.utf8.count == 1024)
        let part = """
            <Part><PartNumber>1</PartNumber><ETag>&quot;00112233445566778899aabbccddeeff&quot;</ETag>\
            <ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>\
            <ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><ChecksumSHA1>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA1>\
            <ChecksumSHA256>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA256></Part>
            """
        let complete = "<CompleteMultipartUpload>\(String(repeating: part, count: 10_000))</CompleteMultipartUpload>"
        #expect(try XMLReader.read(Array(complete.utf8)).children.count == 10_000)
    }
}
