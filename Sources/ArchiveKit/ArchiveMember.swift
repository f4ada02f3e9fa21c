/// One regular file of an archive.
package struct ArchiveMember: Sendable, Equatable {
    /// Relative, without `.`, `..` or empty components.
    package let path: String
    /// Empty where the content was passed over.
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}
