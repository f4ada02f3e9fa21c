import S3Types
import S3Wire

/// What `x-amz-copy-source` names.
struct CopySource {
    let bucket: BucketName
    let key: ObjectKey
    let versionID: String?

    /// - Parameter header: `[/]bucket/key[?versionId=…]`, percent-encoded.
    init(header: String) throws(S3Error) {
        let invalid = S3Error(
            .invalidArgument, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            details: [("ArgumentName", "x-amz-copy-source"), ("ArgumentValue", header)])
        var path = header[...]
        var versionID: String?
        if let mark = path.firstRange(of: "?versionId=") {
            versionID = String(path[mark.upperBound...])
            path = path[..<mark.lowerBound]
        }
        guard let decoded = PercentEncoding.decode(String(path), plusIsSpace: false) else { throw invalid }
        let rest = decoded.first == UInt8(ascii: "/") ? decoded.dropFirst() : decoded[...]
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")),
            let bucket = String(validating: rest[..<slash], as: UTF8.self),
            slash + 1 < rest.endIndex
        else { throw invalid }
        do throws(ValueError) {
            self.bucket = try BucketName(bucket)
            self.key = try ObjectKey(bytes: rest[(slash + 1)...])
        } catch { throw S3Error(error) }
        self.versionID = versionID
    }
}
