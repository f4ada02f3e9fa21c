/// The name of one version of an object: `null` for a version written without versioning, else 1 to 128 opaque
/// characters that the store made.
package struct VersionID: Hashable, Sendable, CustomStringConvertible {
    package static let null = VersionID(unchecked: "null")

    package let text: String  // text: ASCII, checked by init

    package var description: String { text }

    /// - Throws: ``ValueError/versionID(_:)`` when it is empty, too long, or holds anything but letters, digits, `-`, `_`, `.`.
    package init(_ text: String) throws(ValueError) {
        let isOpaqueText = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard (1...128).contains(text.utf8.count), isOpaqueText else { throw .versionID(text) }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }
}
