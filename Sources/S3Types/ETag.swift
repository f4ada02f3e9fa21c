import Names

/// An entity tag without its quotes: the MD5 of the body in hexadecimal, or the MD5 of the parts' MD5s and `-N` for an
/// object of `N` uploaded parts.
///
/// An ETag names a state of an object; it is not a hash that anyone may verify a body with.
package struct ETag: Hashable, Sendable, CustomStringConvertible {
    package let text: String  // text: ASCII, checked by init

    package var description: String { text }

    /// As it stands in a header: in double quotes.
    package var quoted: String { "\"\(text)\"" }

    /// Accepts the tag with or without quotes, and drops a weak mark (`W/`).
    ///
    /// - Throws: ``ValueError/etag(_:)`` when it is empty, longer than 128 bytes, or holds a quote or a control character.
    package init(_ text: String) throws(ValueError) {
        // As the store itself writes them: nothing to drop.
        if text.utf8.first != UInt8(ascii: "W"), (1...128).contains(text.utf8.count), text.utf8.allSatisfy(Self.isPlain)
        {
            self.text = text
            return
        }
        var rest = Substring(text)
        if rest.hasBytePrefix("W/") { rest = Substring(rest.utf8.dropFirst(2)) }
        if rest.hasBytePrefix("\"") && rest.hasByteSuffix("\"") && rest.utf8.count >= 2 {
            rest = Substring(rest.utf8.dropFirst().dropLast())
        }
        guard !rest.isEmpty, rest.utf8.count <= 128, rest.utf8.allSatisfy(Self.isPlain) else { throw .etag(text) }
        self.text = String(rest)
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") }

    /// The tag of a body that arrived in one piece.
    ///
    /// - Parameter md5: the MD5 of the body, 16 bytes.
    package init(md5: [UInt8]) {
        precondition(md5.count == 16, "an MD5 has 16 bytes")
        self.text = hexadecimal(md5)
    }

    /// The tag of an object completed from parts.
    ///
    /// - Parameters:
    ///   - md5OfPartDigests: the MD5 of the concatenated 16-byte MD5s of the parts, 16 bytes.
    ///   - partCount: how many parts were completed.
    package init(md5OfPartDigests: [UInt8], partCount: Int) {
        precondition(md5OfPartDigests.count == 16 && partCount > 0, "an MD5 has 16 bytes, an upload one part or more")
        self.text = "\(hexadecimal(md5OfPartDigests))-\(partCount)"
    }
}
