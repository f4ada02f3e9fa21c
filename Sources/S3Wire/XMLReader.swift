import Foundation
import FoundationXML
import Names

/// Why a document is not read.
package enum XMLReaderError: Error, Equatable, Sendable {
    case tooLarge(limitBytes: Int)
    /// Not UTF-8, not well-formed, deeper or with more elements than allowed, or with a document type.
    case malformed(reason: String)
}

/// Reads a small XML document into a tree.
///
/// The document is bounded before the parser sees it, must be UTF-8 by content and by declaration, and may hold no document
/// type, so there are no entities but the five predefined ones.
package enum XMLReader {
    private static let depthLimit = 16
    private static let elementLimit = 50_000

    package static func read(_ bytes: [UInt8], limitBytes: Int = 4 << 20) throws(XMLReaderError) -> XMLElement {
        guard bytes.count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw .malformed(reason: "the document is not UTF-8")
        }
        guard !text.containsBytes(of: "<!DOCTYPE"), !text.containsBytes(of: "<!ENTITY") else {
            throw .malformed(reason: "a document type is not allowed")
        }
        if let encoding = declaredEncoding(text), encoding != "utf-8" {
            throw .malformed(reason: "the document declares another encoding than UTF-8")
        }
        let builder = TreeBuilder(depthLimit: depthLimit, elementLimit: elementLimit)
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        parser.delegate = builder
        guard parser.parse(), builder.fault == nil, let root = builder.root else {
            throw .malformed(reason: builder.fault ?? "the document is not well-formed")
        }
        return root
    }

    private static func declaredEncoding(_ text: String) -> String? {
        guard let start = text.firstRange(of: "<?xml"), let end = text.firstRange(of: "?>"),
            start.upperBound < end.lowerBound
        else { return nil }
        let declaration = text[start.upperBound..<end.lowerBound]
        guard let mark = declaration.firstRange(of: "encoding") else { return nil }
        // text: what is not utf-8 by characters is refused
        let value = declaration[mark.upperBound...].drop { $0 == " " || $0 == "=" || $0 == "\"" || $0 == "'" }
        return value.prefix { $0 != "\"" && $0 != "'" }.asciiLowercased()  // text: as above
    }
}

/// Builds the tree as the parser reports it, and stops at the first fault.
private final class TreeBuilder: NSObject, XMLParserDelegate {
    private(set) var root: XMLElement?
    private(set) var fault: String?
    private var open: [XMLElement] = []
    private var elementCount = 0
    private let depthLimit: Int
    private let elementLimit: Int

    init(depthLimit: Int, elementLimit: Int) {
        self.depthLimit = depthLimit
        self.elementLimit = elementLimit
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]  // text: as Foundation has it, and not read
    ) {
        elementCount += 1
        guard open.count < depthLimit, elementCount <= elementLimit else {
            fault = "the document has too many elements"
            return parser.abortParsing()
        }
        let localName = String(name.pieces(at: ":").last ?? "")
        open.append(XMLElement(name: localName))
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        guard !open.isEmpty else { return }
        open[open.count - 1].text += text
    }

    func parser(_ parser: XMLParser, foundCDATA data: Data) {
        guard !open.isEmpty else { return }
        open[open.count - 1].text += String(decoding: data, as: UTF8.self)
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        guard let element = open.popLast() else { return }
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    func parser(_ parser: XMLParser, parseErrorOccurred error: any Error) {
        if fault == nil { fault = "the document is not well-formed" }
    }
}
