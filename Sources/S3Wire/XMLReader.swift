/// Reads a small XML document into a tree, in one pass whose work is bounded by a multiple of the document's bytes.
///
/// Documents are elements, text, references to characters and to the five predefined entities, CDATA sections and comments, in
/// UTF-8 by content and by declaration. Document types and processing instructions are refused, so nothing expands and nothing
/// is fetched. Decision 0027 has the bounds and their reasons.
package enum XMLReader {
    /// The root counts.
    package static let depthLimit = 16
    /// Ten thousand parts with every checksum are 80,001.
    package static let elementLimit = 100_000
    /// Of one element; in the whole document, as many as elements.
    package static let attributeLimit = 16
    /// Of one element: all names and values.
    package static let attributeLimitBytes = 4 << 10
    /// Of elements and attributes, with their prefixes.
    package static let nameLimitBytes = 128

    /// - Parameter limitBytes: nothing is read of a larger document.
    package static func read(_ bytes: [UInt8], limitBytes: Int = 8 << 20) throws(XMLReaderError) -> XMLElement {
        var steps = 0
        return try read(bytes, limitBytes: limitBytes, steps: &steps)
    }

    /// - Parameter steps: receives how often a byte was looked at, also when the document is refused.
    package static func read(
        _ bytes: [UInt8], limitBytes: Int, steps: inout Int
    ) throws(XMLReaderError) -> XMLElement {
        guard bytes.count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        steps += bytes.count
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw .malformed(reason: "the document is not UTF-8")
        }
        var scanner = XMLScanner(bytes)
        defer { steps += scanner.steps }
        try scanner.skipDeclaration()
        // What surrounds the root lies at the bottom, so that the scanner has one place for text at every depth.
        var open = [OpenElement(element: XMLElement(name: ""))]
        while true {
            switch try scanner.next(into: &open[open.count - 1].text) {
            case .text: break
            case .opened(let name): open.append(OpenElement(element: XMLElement(name: name)))
            case .closed:
                let element = open.removeLast().finished()
                open[open.count - 1].element.children.append(element)
            case .ended:
                guard let root = open[0].element.children.first else {
                    throw .malformed(reason: "the document has no root")
                }
                return root
            }
        }
    }
}

/// An element whose end has not come.
private struct OpenElement {
    var element: XMLElement
    /// UTF-8: pieces of a document that is, cut at ASCII characters, and whole characters of references.
    var text: [UInt8] = []

    consuming func finished() -> XMLElement {
        element.text = String(decoding: text, as: UTF8.self)
        return element
    }
}
