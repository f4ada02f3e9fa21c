import Foundation
import FoundationXML
import PropertyTesting
import Testing

@testable import S3Wire

/// Our reader beside Foundation's, on documents grown from a grammar and broken at random.
@Suite(.timeLimit(.minutes(1))) struct XMLComparisonTests {
    @Test func ourReaderReadsWhatFoundationReadsAndTheSameOfIt() {
        var random = SeededGenerator.printed()
        var (readCount, malformedCount) = (0, 0)
        for round in 0..<6000 {
            var bytes = Array(Grammar.document(using: &random).utf8)
            if round % 2 == 1 { bytes = Fuzz.changed(bytes, using: &random) }
            let shown = String(decoding: bytes, as: UTF8.self).debugDescription
            guard FoundationReader.survives(bytes) else { continue }
            let theirs = FoundationReader.read(bytes)
            do throws(XMLReaderError) {
                let ours = try XMLReader.read(bytes)
                #expect(ours == theirs, "\(shown)")
                readCount += 1
            } catch .notTaken {
                // Ours alone: bounds, and what S3's documents do not have.
            } catch {
                #expect(theirs == nil, "\(error): \(shown)")
                malformedCount += 1
            }
        }
        // Neither half of the comparison was empty.
        #expect(readCount > 500)
        #expect(malformedCount > 500)
    }
}

/// Documents that are well-formed for the most part.
private enum Grammar {
    static func document(using random: inout SeededGenerator) -> String {
        let declarations = [
            "", "", "<?xml version=\"1.0\"?>", "<?xml version='1.0' encoding='UTF-8'?>\r\n", "\u{FEFF}",
            "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\" ?>", "<!-- first -->", "\n<!---->\t",
        ]
        return declarations.randomElement(using: &random)! + element(depth: 1, using: &random)
            + ["", "\n", "<!-- last -->", " \t\r\n"].randomElement(using: &random)!
    }

    private static func element(depth: Int, using random: inout SeededGenerator) -> String {
        let name = ["Delete", "Object", "Key", "s3:Key", "_a-b.c9", "x"].randomElement(using: &random)!
        var tag = "<" + name
        let attributes = [
            " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", " xmlns:s3 = 'urn:x'", " a=\"&lt;&#65;\"",
            "\r\nb='\"'", " c=\">\"", " d=''",
        ]
        for attribute in attributes where Int.random(in: 0..<5, using: &random) == 0 { tag += attribute }
        tag += ["", "", " ", "\n"].randomElement(using: &random)!
        if Int.random(in: 0..<4, using: &random) == 0 { return tag + "/>" }
        tag += ">"
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            if depth < 5, Int.random(in: 0..<3, using: &random) == 0 {
                tag += element(depth: depth + 1, using: &random)
            } else {
                tag += content.randomElement(using: &random)!
            }
        }
        return tag + "</" + name + ["", "", " ", "\r\n"].randomElement(using: &random)! + ">"
    }

    private static let content = [
        "text", "a b", " ", "\n", "\r\n", "\r", "\t", "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#65;", "&#x41;",
        "&#xe9;", "&#x1F600;", "&#0000065;", "&#13;", "é", "e\u{301}", "\u{1F600}", "\u{FFFD}", "]", "]]", "]] >",
        "'\"", ">",
        "<!-- c -->", "<!---->", "<!-- - -->", "<![CDATA[]]>", "<![CDATA[<a>&amp;]]]>", "<![CDATA[\r\n]]>",
        "&#1;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#;", "&unknown;", "&amp", "<!-- -- -->", "]]>", "\u{1}",
        "\u{7F}",
    ]
}

/// The same tree by FoundationXML.
private final class FoundationReader: NSObject, XMLParserDelegate {
    private var root: S3Wire.XMLElement?
    /// It may go on after an error, and say at the end that all was well.
    private var hasFailed = false
    private var open: [S3Wire.XMLElement] = []

    /// It ends the process at a name that is no UTF-8, and at a processing instruction that says nothing.
    static func survives(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else { return false }
        let hasDeclaration = ["<?xml ", "\u{FEFF}<?xml "].contains { text.utf8.starts(with: $0.utf8) }
        return text.ranges(of: "<?").count == (hasDeclaration ? 1 : 0)
    }

    static func read(_ bytes: [UInt8]) -> S3Wire.XMLElement? {
        let reader = FoundationReader()
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        parser.delegate = reader
        return parser.parse() && !reader.hasFailed ? reader.root : nil
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(S3Wire.XMLElement(name: name.split(separator: ":").last.map(String.init) ?? name))
    }

    func parser(_ parser: XMLParser, parseErrorOccurred error: any Error) {
        // Warnings of versions and namespaces, and errors of the latter, which both drop: XML_WAR_UNKNOWN_VERSION,
        // XML_WAR_NS_URI, XML_WAR_NS_URI_RELATIVE, XML_NS_ERR_….
        let isAboutNames = [97, 99, 100, 200, 201, 202, 203, 204, 205].contains((error as NSError).code)
        hasFailed = hasFailed || !isAboutNames
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) { open[open.count - 1].text += text }

    func parser(_ parser: XMLParser, foundCDATA data: Data) {
        // It leaves line ends of sections as they are, against XML 1.0, 2.11.
        let text = String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        open[open.count - 1].text += text
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        let element = open.removeLast()
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }
}
