import Names

/// The key of an object: 1 to 1,024 bytes of UTF-8, compared byte by byte.
///
/// A key is an opaque byte string. `..`, `//`, a leading slash and NUL are ordinary content: nothing here or below ever
/// turns a key into a file name.
///
/// Source: "Naming Amazon S3 objects", Amazon S3 User Guide.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let limitBytes = 1024

    package let text: String

    package var description: String { text }
    package var utf8: String.UTF8View { text.utf8 }

    /// - Throws: ``ValueError/objectKeyEmpty`` or ``ValueError/objectKeyTooLong(byteCount:)``.
    package init(_ text: String) throws(ValueError) {
        guard !text.isEmpty else { throw .objectKeyEmpty }
        guard text.utf8.count <= Self.limitBytes else { throw .objectKeyTooLong(byteCount: text.utf8.count) }
        self.text = text
    }

    /// A key from percent-decoded bytes.
    ///
    /// - Throws: also ``ValueError/objectKeyNotUTF8``; the bytes are never repaired, since that would make two keys one.
    package init(bytes: some Collection<UInt8>) throws(ValueError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .objectKeyNotUTF8 }
        try self.init(text)
    }

    /// Swift's `String` order is canonical equivalence; S3's order and equality are those of the bytes.
    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    package static func == (left: ObjectKey, right: ObjectKey) -> Bool {
        Name(left.text) == Name(right.text)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(Name(text))
    }
}
