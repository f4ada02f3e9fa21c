import HTTPKernel
import Names
import S3Types
import S3Wire
import SigV4

/// A request whose sender is known: its address, its fields and its body.
struct S3Request: Sendable {
    /// What it asks for, and all that may stand in it.
    let entry: OperationEntry
    let method: String
    let address: S3Address
    /// Names in lower case. Of a presigned request also the `x-amz-` parameters of its query, which are as good as headers.
    let fields: [(name: String, value: String)]
    let signature: VerifiedSignature
    let contentLength: UInt64?
    let body: RequestBody
    /// The server's accounts; nil where it keeps none.
    var shares: ConnectionShares?

    var operation: S3Operation { entry.operation }
    var query: QueryParameters { address.query }

    /// The value of the only field of that name, or of the first of those that may be repeated.
    func first(_ name: String) -> String? { fields.first { Name($0.name) == Name(name) }?.value }

    /// The bucket of an operation on one.
    func bucketName() throws(S3Error) -> BucketName {
        guard let bucket = address.bucket else { throw S3Error(.invalidURI) }
        return bucket
    }

    /// The key of an operation on an object.
    func key() throws(S3Error) -> ObjectKey {
        guard let key = address.key else { throw S3Error(.invalidURI) }
        return key
    }

    /// The upload that the query names.
    func uploadID() throws(S3Error) -> UploadID {
        do { return try UploadID(query.first("uploadId") ?? "") } catch { throw S3Error(error) }
    }

    /// A whole number of the query.
    ///
    /// - Throws: InvalidArgument when it is there and is none, or is negative.
    func number(_ name: String) throws(S3Error) -> Int? {
        guard let text = query.first(name), !text.isEmpty else { return nil }
        guard let number = Int32(digits: text) else {
            let isOutside = Int(digits: text.first == "-" ? text.dropFirst() : text[...]) != nil
            throw S3Error(
                .invalidArgument,
                isOutside
                    ? "Argument \(name) must be an integer between 0 and 2147483647"
                    : "Provided \(name) not an integer or within integer range",
                details: [("ArgumentName", name), ("ArgumentValue", text)])
        }
        return Int(number)
    }

    /// Whether listings are to be percent-encoded.
    func wantsURLEncoding() throws(S3Error) -> Bool {
        switch query.first("encoding-type") {
        case nil, "": return false
        case "url": return true
        case let other?:
            throw S3Error(
                .invalidArgument, "Invalid Encoding Method specified in Request",
                details: [("ArgumentName", "encoding-type"), ("ArgumentValue", other)])
        }
    }

    /// Versioning is not enabled on any bucket, so that the only version there can be is `null`.
    func checkVersion(_ text: String?) throws(S3Error) {
        guard let text, text != "null" else { return }
        do { _ = try VersionID(text) } catch { throw S3Error(error) }
        throw S3Error(.noSuchVersion, details: [("VersionId", text)])
    }
}
