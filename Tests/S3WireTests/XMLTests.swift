import S3Wire
import Testing

@Suite(.timeLimit(.minutes(1))) struct XMLTests {
    @Test func escapesEveryTextAndReadsItBack() throws {
        var xml = XMLWriter(root: "Root")
        xml.element("Key", "a<b>&\"c'\r\n")
        xml.group("Group") {
            $0.element("Number", 3); $0.element("Flag", true)
        }
        let bytes = xml.finish()
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("<Root xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"))
        #expect(text.contains("a&lt;b&gt;&amp;&quot;c'&#xd;&#xa;"))
        let root = try XMLReader.read(bytes)
        #expect(root.text(of: "Key") == "a<b>&\"c'\r\n")
        #expect(root.first("Group")?.children.map(\.text) == ["3", "true"])
    }

    @Test func readsCDATAAndDropsNamespacePrefixes() throws {
        let root = try XMLReader.read(Array("<s3:A xmlns:s3=\"x\"><s3:B><![CDATA[a<b]]></s3:B></s3:A>".utf8))
        #expect(root.name == "A")
        #expect(root.text(of: "B") == "a<b")
    }

    @Test(arguments: [
        "", "text", "<a>", "<a></b>", "<a/><b/>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a>&undefined;</a>",
        "<a>\u{0}</a>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", "<?xml version=\"1.0\" encoding='latin1'?><a/>",
        String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17),
        "<r>" + String(repeating: "<a/>", count: 100_000) + "</r>", "<?p i?><a/>", "<?p?><a/>", "<a><?p i?></a>",
        "<a b=\"1\" b=\"2\"/>",
        "<a b/>", "<a b=1/>", "<a b=\"<\"/>", "<a b=\"1\"c=\"2\"/>", "<a>]]></a>", "<a>&#1;</a>", "<a><!-- -- --></a>",
        "<\u{212A}ey/>", "<:a/>", "<a:/>", "<a:b:c/>", "<1/>", "<a/>text", "<a/>&amp;", "<![CDATA[]]><a/>",
        "<a>\u{FFFF}</a>",
        "<?xml encoding=\"UTF-8\"?><a/>", "<?xml version=\"1.\"?><a/>", " <?xml version=\"1.0\"?><a/>",
    ])
    func refusesWhatIsNotASmallPlainDocument(text: String) {
        #expect(throws: XMLReaderError.self) { try XMLReader.read(Array(text.utf8)) }
    }

    @Test func boundsTheDocumentBeforeItIsParsed() {
        #expect(throws: XMLReaderError.tooLarge(limitBytes: 10)) {
            try XMLReader.read(Array("<a>0123456789</a>".utf8), limitBytes: 10)
        }
        #expect(throws: XMLReaderError.malformed(reason: "the document is not UTF-8")) {
            try XMLReader.read([0x3C, 0x61, 0xFF, 0x2F, 0x3E])
        }
    }
}
