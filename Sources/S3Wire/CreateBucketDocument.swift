/// The body of CreateBucket, which may be empty.
package struct CreateBucketDocument: Sendable {
    package let locationConstraint: String?

    /// - Throws: MalformedXML.
    package init(_ bytes: [UInt8]) throws(S3Error) {
        guard !bytes.isEmpty else {
            self.locationConstraint = nil
            return
        }
        self.locationConstraint = try readDocument(bytes, root: "CreateBucketConfiguration").text(
            of: "LocationConstraint")
    }
}
