/// The name of a multipart upload: 32 lower-case hexadecimal digits, opaque to clients.
package struct UploadID: Hashable, Sendable, CustomStringConvertible {
    package let text: String  // text: ASCII, checked by init

    package var description: String { text }

    /// - Throws: ``ValueError/uploadID(_:)`` when it cannot be one of ours (NoSuchUpload to the client).
    package init(_ text: String) throws(ValueError) {
        let isHexadecimal = text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard text.utf8.count == 32, isHexadecimal else { throw .uploadID(text) }
        self.text = text
    }

    /// - Parameter bytes: 16 bytes from a random source.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 16, "an upload id has 16 bytes")
        self.text = hexadecimal(bytes)
    }
}
