/// A header field that a request may carry as it is: past `init`, nothing in it can end the field or the head.
///
/// Source: RFC 9110, sections 5.1 and 5.5; RFC 9112, section 6.
package struct HeaderField: Sendable, Equatable {
    package let name: String
    package let value: String

    /// What frames a request is the load's own affair: every request of it has the same bytes.
    private static let framing = ["content-length", "transfer-encoding", "connection", "expect", "upgrade"]

    /// - Returns: nil when the name is no token or frames the request, or when the value has a control character.
    package init?(name: String, value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isToken), !Self.framing.contains(name.lowercased()),
            value.utf8.allSatisfy({ $0 == UInt8(ascii: "\t") || ($0 >= 0x20 && $0 != 0x7F) })
        else { return nil }
        self.name = name
        self.value = value
    }

    /// From `Name: value`.
    package init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        self.init(name: String(text[..<colon]), value: String(value))
    }

    package func isNamed(_ name: String) -> Bool { self.name.lowercased() == name.lowercased() }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
