import Names

/// The operations that the store carries out; the raw value is the name that S3 gives them.
package enum S3Operation: String, Sendable, CaseIterable {
    case listBuckets = "ListBuckets"
    case createBucket = "CreateBucket"
    case headBucket = "HeadBucket"
    case deleteBucket = "DeleteBucket"
    case getBucketLocation = "GetBucketLocation"
    case getBucketVersioning = "GetBucketVersioning"
    case listObjects = "ListObjects"
    case listObjectsV2 = "ListObjectsV2"
    case listMultipartUploads = "ListMultipartUploads"
    case listenNotification = "ListenNotification"
    case deleteObjects = "DeleteObjects"
    case getObject = "GetObject"
    case headObject = "HeadObject"
    case putObject = "PutObject"
    case copyObject = "CopyObject"
    case deleteObject = "DeleteObject"
    case createMultipartUpload = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case uploadPartCopy = "UploadPartCopy"
    case completeMultipartUpload = "CompleteMultipartUpload"
    case abortMultipartUpload = "AbortMultipartUpload"
    case listParts = "ListParts"

    /// Sub-resources of S3 that this store does not have. One of them in a query makes the request NotImplemented rather than
    /// a plain read or write of the object.
    private static let unserved: Set<Name> = [
        "accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory",
        "legal-hold",
        "lifecycle", "logging", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls",
        "policy",
        "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention",
        "select",
        "session", "tagging", "torrent", "versions", "website",
    ]

    /// - Parameters:
    ///   - method: in upper case.
    ///   - isCopy: whether the request has `x-amz-copy-source`.
    /// - Throws: MethodNotAllowed, NotImplemented.
    package init(method: String, address: S3Address, isCopy: Bool) throws(S3Error) {
        let query = address.query
        if let name = query.items.first(where: { Self.unserved.contains(Name($0.name)) })?.name {
            throw S3Error(.notImplemented, details: [("Header", name)])
        }
        guard address.bucket != nil else {
            guard method == "GET" else { throw S3Error(.methodNotAllowed) }
            self = .listBuckets
            return
        }
        if address.key != nil {
            self = try Self.objectOperation(method, query, isCopy: isCopy)
        } else {
            self = try Self.bucketOperation(method, query)
        }
    }

    private static func bucketOperation(_ method: String, _ query: QueryParameters) throws(S3Error) -> S3Operation {
        switch method {
        case "GET":
            if query.contains("location") { return .getBucketLocation }
            if query.contains("versioning") { return .getBucketVersioning }
            if query.contains("uploads") { return .listMultipartUploads }
            if query.contains("events") { return .listenNotification }
            return query.first("list-type") == "2" ? .listObjectsV2 : .listObjects
        case "PUT":
            guard !query.contains("versioning") else {
                throw S3Error(.notImplemented, details: [("Header", "versioning")])
            }
            return .createBucket
        case "HEAD": return .headBucket
        case "DELETE": return .deleteBucket
        case "POST":
            guard query.contains("delete") else { throw S3Error(.notImplemented) }
            return .deleteObjects
        default: throw S3Error(.methodNotAllowed)
        }
    }

    private static func objectOperation(
        _ method: String, _ query: QueryParameters, isCopy: Bool
    ) throws(S3Error) -> S3Operation {
        switch method {
        case "GET": return query.contains("uploadId") ? .listParts : .getObject
        case "HEAD": return .headObject
        case "PUT":
            guard query.contains("uploadId") || query.contains("partNumber") else {
                return isCopy ? .copyObject : .putObject
            }
            return isCopy ? .uploadPartCopy : .uploadPart
        case "DELETE": return query.contains("uploadId") ? .abortMultipartUpload : .deleteObject
        case "POST":
            if query.contains("uploads") { return .createMultipartUpload }
            guard query.contains("uploadId") else { throw S3Error(.notImplemented) }
            return .completeMultipartUpload
        default: throw S3Error(.methodNotAllowed)
        }
    }
}
