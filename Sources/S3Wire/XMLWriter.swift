/// Writes one XML document, escaping every text.
package struct XMLWriter {
    private var bytes: [UInt8] = []
    private let root: String

    /// The namespace of every S3 answer but errors.
    private static let namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

    /// - Parameter isNamespaced: whether the root names S3's namespace; error documents do not.
    package init(root: String, isNamespaced: Bool = true) {
        self.root = root
        bytes.reserveCapacity(512)
        bytes += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<".utf8
        bytes += root.utf8
        if isNamespaced { bytes += " xmlns=\"\(Self.namespace)\"".utf8 }
        bytes.append(UInt8(ascii: ">"))
    }

    /// `<name>text</name>`
    package mutating func element(_ name: String, _ text: String) {
        open(name)
        escape(text)
        close(name)
    }

    package mutating func element(_ name: String, _ number: some BinaryInteger) { element(name, String(number)) }
    package mutating func element(_ name: String, _ flag: Bool) { element(name, flag ? "true" : "false") }

    /// `<name>…</name>` around what the closure writes.
    package mutating func group(_ name: String, _ body: (inout XMLWriter) -> Void) {
        open(name)
        body(&self)
        close(name)
    }

    /// Text of the element that is open.
    package mutating func text(_ text: String) { escape(text) }

    /// The whole document.
    package consuming func finish() -> [UInt8] {
        close(root)
        return bytes
    }

    private mutating func open(_ name: String) {
        bytes.append(UInt8(ascii: "<"))
        bytes += name.utf8
        bytes.append(UInt8(ascii: ">"))
    }

    private mutating func close(_ name: String) {
        bytes.append(UInt8(ascii: "<"))
        bytes.append(UInt8(ascii: "/"))
        bytes += name.utf8
        bytes.append(UInt8(ascii: ">"))
    }

    /// Control characters become character references, as S3 writes them: XML 1.0 has no other word for them, and a client
    /// whose keys hold any asks for `encoding-type=url`.
    private mutating func escape(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case 0..<0x20, 0x7F: bytes += "&#x\(String(byte, radix: 16));".utf8
            default: bytes.append(byte)
            }
        }
    }
}
