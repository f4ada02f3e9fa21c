import S3Types

/// A page of a listing as a client reads it.
///
/// Source: "ListObjectsV2", response syntax, Amazon S3 API Reference.
package struct ListObjectsDocument: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// As it stands in the document: percent-encoded where the listing was asked for that.
        package let key: String
        package let sizeBytes: UInt64
        package let etag: String
        /// ISO 8601, as the store wrote it.
        package let modified: String
    }

    package let entries: [Entry]
    package let isTruncated: Bool
    package let nextContinuationToken: String?

    /// - Throws: ``XMLReaderError/malformed(reason:)`` when it is no such page.
    package init(_ bytes: [UInt8]) throws(XMLReaderError) {
        let root = try XMLReader.read(bytes, limitBytes: 16 << 20)
        guard root.name == "ListBucketResult" else { throw .malformed(reason: "the document is no ListBucketResult") }
        var entries: [Entry] = []
        for contents in root.all("Contents") {
            guard let key = contents.text(of: "Key"),
                let size = contents.text(of: "Size").flatMap({ UInt64(digits: $0) })
            else {
                throw .malformed(reason: "an entry without key or size")
            }
            entries.append(
                Entry(
                    key: key, sizeBytes: size, etag: contents.text(of: "ETag") ?? "",
                    modified: contents.text(of: "LastModified") ?? ""))
        }
        self.entries = entries
        self.isTruncated = root.text(of: "IsTruncated") == "true"
        self.nextContinuationToken = root.text(of: "NextContinuationToken")
    }
}
