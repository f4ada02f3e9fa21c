/// The table of errors: S3's code, the HTTP status, and the message unless the case at hand has a better one.
///
/// Source: "Error responses", Amazon S3 API Reference; the codes of the feed and of a full disk are this store's own.
package enum S3ErrorCode: String, Sendable, CaseIterable {
    case accessControlListNotSupported = "AccessControlListNotSupported"
    case accessDenied = "AccessDenied"
    case authorizationHeaderMalformed = "AuthorizationHeaderMalformed"
    case authorizationQueryParametersError = "AuthorizationQueryParametersError"
    case badDigest = "BadDigest"
    case bucketAlreadyExists = "BucketAlreadyExists"
    case bucketAlreadyOwnedByYou = "BucketAlreadyOwnedByYou"
    case bucketNotEmpty = "BucketNotEmpty"
    case entityTooLarge = "EntityTooLarge"
    case entityTooSmall = "EntityTooSmall"
    case feedCursorExpired = "FeedCursorExpired"
    case incompleteBody = "IncompleteBody"
    case insufficientStorage = "InsufficientStorage"
    case internalError = "InternalError"
    case invalidAccessKeyID = "InvalidAccessKeyId"
    case invalidArgument = "InvalidArgument"
    case invalidBucketName = "InvalidBucketName"
    case invalidChunkSize = "InvalidChunkSizeError"
    case invalidDigest = "InvalidDigest"
    case invalidLocationConstraint = "InvalidLocationConstraint"
    case invalidPart = "InvalidPart"
    case invalidPartNumber = "InvalidPartNumber"
    case invalidPartOrder = "InvalidPartOrder"
    case invalidRange = "InvalidRange"
    case invalidRequest = "InvalidRequest"
    case invalidStorageClass = "InvalidStorageClass"
    case invalidURI = "InvalidURI"
    case keyTooLong = "KeyTooLongError"
    case malformedTrailer = "MalformedTrailerError"
    case malformedXML = "MalformedXML"
    case maxMessageLengthExceeded = "MaxMessageLengthExceeded"
    case metadataTooLarge = "MetadataTooLarge"
    case methodNotAllowed = "MethodNotAllowed"
    case missingContentLength = "MissingContentLength"
    case missingRequestBody = "MissingRequestBodyError"
    case noSuchBucket = "NoSuchBucket"
    case noSuchKey = "NoSuchKey"
    case noSuchUpload = "NoSuchUpload"
    case noSuchVersion = "NoSuchVersion"
    case notImplemented = "NotImplemented"
    case notModified = "NotModified"
    case preconditionFailed = "PreconditionFailed"
    case requestHeaderSectionTooLarge = "RequestHeaderSectionTooLarge"
    case requestTimeout = "RequestTimeout"
    case requestTimeTooSkewed = "RequestTimeTooSkewed"
    case serviceUnavailable = "ServiceUnavailable"
    case signatureDoesNotMatch = "SignatureDoesNotMatch"
    case slowDown = "SlowDown"
    case contentSHA256Mismatch = "XAmzContentSHA256Mismatch"
    case badRequest = "BadRequest"

    /// The HTTP status.
    package var status: Int { row.status }
    package var message: String { row.message }

    private var row: (status: Int, message: String) {
        switch self {
        case .accessControlListNotSupported: (400, "The bucket does not allow ACLs")
        case .accessDenied: (403, "Access Denied")
        case .authorizationHeaderMalformed: (400, "The authorization header is malformed.")
        case .authorizationQueryParametersError: (400, "Error parsing the X-Amz-Credential parameter.")
        case .badDigest: (400, "The Content-MD5 you specified did not match what we received.")
        case .bucketAlreadyExists:
            (
                409,
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
            )
        case .bucketAlreadyOwnedByYou:
            (409, "Your previous request to create the named bucket succeeded and you already own it.")
        case .bucketNotEmpty: (409, "The bucket you tried to delete is not empty")
        case .entityTooLarge: (400, "Your proposed upload exceeds the maximum allowed size")
        case .entityTooSmall: (400, "Your proposed upload is smaller than the minimum allowed size")
        case .feedCursorExpired:
            (
                410,
                "The cursor is not of this feed, or the events behind it are no longer kept. List the bucket again and follow from its head."
            )
        case .incompleteBody:
            (400, "You did not provide the number of bytes specified by the Content-Length HTTP header")
        case .insufficientStorage:
            (507, "The disk of the store is full. Reads and deletes go on; writes are taken again when there is room.")
        case .internalError: (500, "We encountered an internal error. Please try again.")
        case .invalidAccessKeyID: (403, "The AWS Access Key Id you provided does not exist in our records.")
        case .invalidArgument: (400, "Invalid Argument")
        case .invalidBucketName: (400, "The specified bucket is not valid.")
        case .invalidChunkSize: (403, "Only the last chunk is allowed to have a size less than 8192 bytes")
        case .invalidDigest: (400, "The Content-MD5 you specified was invalid.")
        case .invalidLocationConstraint: (400, "The specified location-constraint is not valid")
        case .invalidPart:
            (
                400,
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
            )
        case .invalidPartNumber: (416, "The requested partnumber is not satisfiable")
        case .invalidPartOrder:
            (400, "The list of parts was not in ascending order. Parts must be ordered by part number.")
        case .invalidRange: (416, "The requested range is not satisfiable")
        case .invalidRequest: (400, "Invalid Request")
        case .invalidStorageClass: (400, "The storage class you specified is not valid")
        case .invalidURI: (400, "Couldn't parse the specified URI.")
        case .keyTooLong: (400, "Your key is too long")
        case .malformedTrailer:
            (
                400,
                "The request contained trailing data that was not well-formed or did not conform to our published schema."
            )
        case .malformedXML:
            (400, "The XML you provided was not well-formed or did not validate against our published schema")
        case .maxMessageLengthExceeded: (400, "Your request was too big.")
        case .metadataTooLarge: (400, "Your metadata headers exceed the maximum allowed metadata size")
        case .methodNotAllowed: (405, "The specified method is not allowed against this resource.")
        case .missingContentLength: (411, "You must provide the Content-Length HTTP header.")
        case .missingRequestBody: (400, "Request body is empty.")
        case .noSuchBucket: (404, "The specified bucket does not exist")
        case .noSuchKey: (404, "The specified key does not exist.")
        case .noSuchUpload:
            (
                404,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
            )
        case .noSuchVersion: (404, "The specified version does not exist.")
        case .notImplemented: (501, "A header or query you provided implies functionality that is not implemented")
        case .notModified: (304, "Not Modified")
        case .preconditionFailed: (412, "At least one of the pre-conditions you specified did not hold")
        case .requestHeaderSectionTooLarge: (400, "Your request header section exceeds the maximum allowed size.")
        case .requestTimeout:
            (400, "Your socket connection to the server was not read from or written to within the timeout period.")
        case .requestTimeTooSkewed: (403, "The difference between the request time and the current time is too large.")
        case .serviceUnavailable: (503, "Please reduce your request rate.")
        case .slowDown: (503, "Please reduce your request rate.")
        case .signatureDoesNotMatch:
            (
                403,
                "The request signature we calculated does not match the signature you provided. Check your key and signing method."
            )
        case .contentSHA256Mismatch:
            (400, "The provided 'x-amz-content-sha256' header does not match what was computed.")
        case .badRequest: (400, "Bad Request")
        }
    }
}
