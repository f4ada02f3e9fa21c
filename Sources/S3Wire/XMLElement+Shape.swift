extension XMLElement {
    /// Holds an element of a request's document to what is read of it.
    ///
    /// - Parameters:
    ///   - once: the names of children that hold text, each at most once.
    ///   - many: the names of children of any number, which are held to their own shapes by the caller.
    ///   - unserved: the names that S3 has and this store does not.
    /// - Throws: NotImplemented or MalformedXML, with the name of the first child that is not read; nothing is passed over.
    func check(once: [String], many: [String] = [], unserved: [String] = []) throws(S3Error) {
        var seen: UInt64 = 0
        for child in children {
            if let index = once.firstIndex(of: child.name) {
                guard seen & (1 << UInt64(index)) == 0 else { throw Self.malformed(child.name, "is given twice") }
                guard child.children.isEmpty else { throw Self.malformed(child.name, "holds more than text") }
                seen |= 1 << UInt64(index)
            } else if !many.contains(child.name) {
                guard !unserved.contains(child.name) else { throw .notServed(.element, child.name) }
                throw Self.malformed(child.name, "does not belong in \(name)")
            }
        }
        guard text.utf8.allSatisfy(Self.isBlank) else { throw Self.malformed(name, "holds text between its elements") }
    }

    /// The text of a child without blanks around it.
    func trimmedText(of name: String) -> String? {
        guard let text = text(of: name) else { return nil }
        let start = text.utf8.drop(while: Self.isBlank)
        guard let last = start.lastIndex(where: { !Self.isBlank($0) }) else { return "" }
        return String(Substring(start[...last]))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func malformed(_ name: String, _ what: String) -> S3Error {
        let name = String(name.prefix(100))
        return S3Error(
            .malformedXML, "\(S3ErrorCode.malformedXML.message): \(name) \(what)", details: [("Element", name)])
    }
}
