import Names

/// The body of DeleteObjects.
package struct DeleteDocument: Sendable {
    package static let limitCount = 1000

    package struct Entry: Sendable {
        /// As given; it may not be a valid key, which is an error of this entry alone.
        package let key: String
        package let versionID: String?
        package let etag: String?
    }

    package let entries: [Entry]
    /// Only failures are to be answered.
    package let isQuiet: Bool

    /// - Throws: MalformedXML, also for more than a thousand keys; NotImplemented for a condition that is not served.
    package init(_ bytes: [UInt8]) throws(S3Error) {
        let root = try readDocument(bytes, root: "Delete")
        try root.check(once: ["Quiet"], many: ["Object"])
        var entries: [Entry] = []
        for object in root.all("Object") {
            // The two conditions are of directory buckets alone; S3 refuses them on every other.
            try object.check(once: ["Key", "VersionId", "ETag"], unserved: ["LastModifiedTime", "Size"])
            guard let key = object.text(of: "Key") else { throw S3Error(.malformedXML) }
            entries.append(Entry(key: key, versionID: object.text(of: "VersionId"), etag: object.text(of: "ETag")))
        }
        guard (1...Self.limitCount).contains(entries.count) else { throw S3Error(.malformedXML) }
        self.entries = entries
        switch (root.trimmedText(of: "Quiet")?.asciiLowercased()).map({ Name($0) }) {
        case "true", "1": self.isQuiet = true
        case nil, "false", "0": self.isQuiet = false
        default: throw S3Error(.malformedXML)
        }
    }
}

/// A request document with the root that it must have.
func readDocument(_ bytes: [UInt8], root name: String) throws(S3Error) -> XMLElement {
    guard !bytes.isEmpty else { throw S3Error(.missingRequestBody) }
    do {
        let root = try XMLReader.read(bytes)
        guard Name(root.name) == Name(name) else { throw XMLReaderError.malformed(reason: "the root is \(root.name)") }
        return root
    } catch {
        throw S3Error(.malformedXML)
    }
}
