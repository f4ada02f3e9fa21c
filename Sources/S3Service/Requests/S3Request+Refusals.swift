import Names
import S3Wire

extension S3Request {
    /// Refuses what a write asks for and this store would not do: silently dropping encryption, a lock, tags or an ACL would
    /// leave the client with a promise that nobody keeps.
    ///
    /// - Throws: NotImplemented, AccessControlListNotSupported, InvalidStorageClass.
    func refuseUnservedHeaders() throws(S3Error) {
        for field in fields where field.name.hasBytePrefix("x-amz-") {
            switch field.name {
            case "x-amz-acl":
                guard field.value == "private" || field.value == "bucket-owner-full-control" else {
                    throw S3Error(.accessControlListNotSupported)
                }
            case _ where field.name.hasBytePrefix("x-amz-grant-"): throw S3Error(.accessControlListNotSupported)
            case "x-amz-storage-class":
                guard field.value == "STANDARD" else {
                    throw S3Error(.invalidStorageClass, details: [("StorageClassRequested", field.value)])
                }
            case "x-amz-tagging", "x-amz-website-redirect-location", "x-amz-write-offset-bytes",
                _ where field.name.hasBytePrefix("x-amz-server-side-encryption"),
                _ where field.name.hasBytePrefix("x-amz-copy-source-server-side-encryption"),
                _ where field.name.hasBytePrefix("x-amz-object-lock-"):
                throw S3Error(.notImplemented, details: [("Header", field.name)])
            case "x-amz-bucket-object-lock-enabled":
                guard Name(field.value.asciiLowercased()) == "false" else {
                    throw S3Error(.notImplemented, details: [("Header", field.name)])
                }
            default: continue
            }
        }
    }
}
