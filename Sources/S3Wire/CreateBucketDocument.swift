/// The body of CreateBucket, which may be empty.
package struct CreateBucketDocument: Sendable {
    package let locationConstraint: String?

    /// - Throws: MalformedXML, NotImplemented for tags and for buckets of directories.
    package init(_ bytes: [UInt8]) throws(S3Error) {
        guard !bytes.isEmpty else {
            self.locationConstraint = nil
            return
        }
        let root = try readDocument(bytes, root: "CreateBucketConfiguration")
        try root.check(once: ["LocationConstraint"], unserved: ["Bucket", "Location", "Tags"])
        self.locationConstraint = root.text(of: "LocationConstraint")
    }
}
