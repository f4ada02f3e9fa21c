import Names

/// What every operation takes, one entry each: the whole of what this store understands of a request's parameters and headers.
///
/// Source: the operations' request syntax, Amazon S3 API Reference.
package enum OperationTable {
    /// The entries of a level; those with more marks stand first, so that the first one that is marked is the operation.
    package static func entries(of level: OperationEntry.Level) -> [OperationEntry] {
        switch level {
        case .service: service
        case .bucket: bucket
        case .object: object
        }
    }

    // MARK: Headers

    /// Headers of every operation.
    static let common =
        HeaderEntry.heeded(
            "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-expected-bucket-owner",
            "x-amz-sdk-checksum-algorithm", "x-amz-trailer")
        // The SDK for C++ names the version of the interface that it speaks; there is no other.
        + HeaderEntry.only("x-amz-api-version", "2006-03-01")
        + HeaderEntry.withoutEffect(
            // The one key of a store is no temporary one: its signature says all that a token could.
            "x-amz-security-token",
            // Nobody is charged.
            "x-amz-request-payer",
            // Who sent it, and by what number a proxy knows it.
            "x-amz-user-agent", "x-amz-cf-id",
            // Asks for a digest behind the body, which an answer announces that has one.
            "x-amz-te")

    /// Of writes that make an object or a bucket: there are no lists of access beyond the owner's.
    private static let access = HeaderEntry.only(
        "x-amz-acl", "private", "bucket-owner-full-control", else: .accessControlListNotSupported)
    private static let storageClass = HeaderEntry.only("x-amz-storage-class", "STANDARD", else: .invalidStorageClass)
    /// The values of checksums that can be verified.
    private static let checksums = HeaderEntry.heeded(
        "x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1",
        "x-amz-checksum-sha256")
    /// Of a body that comes in one piece: which of the values is given, and that it is of the whole body.
    private static let pieceChecksums =
        checksums + HeaderEntry.heeded("x-amz-checksum-algorithm")
        + HeaderEntry.only("x-amz-checksum-type", "FULL_OBJECT")
    /// `*` of If-None-Match, tags or `*` of If-Match.
    private static let conditions = HeaderEntry.heeded("if-match", "if-none-match")
    private static let source =
        HeaderEntry.heeded(
            "x-amz-copy-source-if-match", "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-none-match",
            "x-amz-copy-source-if-unmodified-since", "x-amz-source-expected-bucket-owner")
    /// Of deletes. Nothing is under a lock that could be got around, and no bucket asks for a second factor.
    private static let governance = HeaderEntry.withoutEffect("x-amz-bypass-governance-retention", "x-amz-mfa")
    /// Of reads that answer a document. RFC 9110, sections 13.1.2, 13.1.3 and 14.2: it has no validators, and a server may send the whole.
    private static let wholeDocuments = HeaderEntry.withoutEffect(
        "if-none-match", "if-modified-since", "range", "if-range")
    /// Of listings. The one attribute there is to ask for is that of archived objects; there are none.
    private static let attributes = HeaderEntry.withoutEffect("x-amz-optional-object-attributes")
    private static let reading = HeaderEntry.heeded(
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range", "if-range",
        "x-amz-checksum-mode")
    private static let overrides = [
        "response-cache-control", "response-content-disposition", "response-content-encoding",
        "response-content-language", "response-content-type", "response-expires",
    ]

    // MARK: Entries

    private static let service: [OperationEntry] = [
        OperationEntry(
            .listBuckets, "GET", .service, parameters: ["continuation-token", "max-buckets", "prefix"],
            headers: [wholeDocuments])
    ]

    private static let bucket: [OperationEntry] = [
        OperationEntry(
            .getBucketLocation, "GET", .bucket, marks: [.parameter("location")], headers: [wholeDocuments]),
        OperationEntry(
            .getBucketVersioning, "GET", .bucket, marks: [.parameter("versioning")], headers: [wholeDocuments]),
        OperationEntry(
            .listMultipartUploads, "GET", .bucket, marks: [.parameter("uploads")],
            parameters: ["delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker"],
            headers: [wholeDocuments]),
        OperationEntry(
            .listenNotification, "GET", .bucket, marks: [.parameter("events")],
            parameters: ["cursor", "prefix", "suffix"], headers: [wholeDocuments]),
        OperationEntry(
            .listObjectsV2, "GET", .bucket, marks: [.value("list-type", "2")],
            parameters: [
                "continuation-token", "delimiter", "encoding-type", "fetch-owner", "max-keys", "prefix", "start-after",
            ], headers: [wholeDocuments, attributes]),
        OperationEntry(
            .listObjects, "GET", .bucket,
            parameters: ["delimiter", "encoding-type", "marker", "max-keys", "prefix"],
            headers: [wholeDocuments, attributes]),
        OperationEntry(.headBucket, "HEAD", .bucket, headers: [wholeDocuments]),
        OperationEntry(
            .createBucket, "PUT", .bucket,
            headers: [
                access, checksums,
                // What every bucket is: its owner's, in one space of names, without locks.
                HeaderEntry.only("x-amz-object-ownership", "BucketOwnerEnforced"),
                HeaderEntry.only("x-amz-bucket-namespace", "global"),
                HeaderEntry.only("x-amz-bucket-object-lock-enabled", "false", "False"),
            ]),
        OperationEntry(.deleteBucket, "DELETE", .bucket),
        OperationEntry(
            .deleteObjects, "POST", .bucket, marks: [.parameter("delete")], headers: [checksums, governance]),
    ]

    private static let object: [OperationEntry] = [
        OperationEntry(
            .listParts, "GET", .object, marks: [.parameter("uploadId")],
            parameters: ["encoding-type", "max-parts", "part-number-marker"], headers: [wholeDocuments]),
        OperationEntry(
            .getObject, "GET", .object, parameters: overrides + ["partNumber", "versionId"], headers: [reading]),
        OperationEntry(
            .headObject, "HEAD", .object, parameters: overrides + ["partNumber", "versionId"], headers: [reading]),
        OperationEntry(
            .uploadPartCopy, "PUT", .object,
            marks: [.parameter("partNumber"), .parameter("uploadId"), .header("x-amz-copy-source")],
            headers: [source, HeaderEntry.heeded("x-amz-copy-source-range"), access, storageClass]),
        OperationEntry(
            .uploadPart, "PUT", .object, marks: [.parameter("partNumber"), .parameter("uploadId")],
            headers: [pieceChecksums, access, storageClass]),
        OperationEntry(
            .copyObject, "PUT", .object, marks: [.header("x-amz-copy-source")],
            headers: [
                source, conditions, access, storageClass,
                HeaderEntry.heeded("x-amz-checksum-algorithm", "x-amz-metadata-directive"),
                // No object has tags or annotations that could be kept or left behind.
                HeaderEntry.only("x-amz-tagging-directive", "COPY", "REPLACE"),
                HeaderEntry.only("x-amz-object-annotation-directive", "COPY", "EXCLUDE"),
            ], takesMetadata: true),
        OperationEntry(
            .putObject, "PUT", .object,
            headers: [conditions, pieceChecksums, access, storageClass], takesMetadata: true),
        OperationEntry(
            .abortMultipartUpload, "DELETE", .object, marks: [.parameter("uploadId")]),
        OperationEntry(
            .deleteObject, "DELETE", .object, parameters: ["versionId"],
            headers: [HeaderEntry.heeded("if-match"), governance]),
        OperationEntry(
            .createMultipartUpload, "POST", .object, marks: [.parameter("uploads")],
            headers: [
                HeaderEntry.heeded("x-amz-checksum-algorithm", "x-amz-checksum-type"), access, storageClass,
            ], takesMetadata: true),
        OperationEntry(
            .completeMultipartUpload, "POST", .object, marks: [.parameter("uploadId")],
            headers: [
                conditions, checksums, HeaderEntry.heeded("x-amz-checksum-type", "x-amz-mp-object-size"),
            ]),
    ]

    // MARK: What stands in no entry

    /// Whether a parameter belongs to a signature, or is a header that a presigned URL carries and that is held to the entry as one.
    static func isOfSignature(_ name: String, isPresigned: Bool) -> Bool {
        guard isPresigned else { return false }
        let name = name.asciiLowercased()
        switch Name(name) {
        // What version 2 signs of a body's headers, boto3 puts into the query as well.
        case "signature", "expires", "awsaccesskeyid", "content-type", "content-md5": return true
        default: return name.hasBytePrefix("x-amz-")
        }
    }

    /// Whether a header says what a request is to do, or on which condition.
    static func decides(_ name: String) -> Bool {
        switch name.utf8.first {
        case UInt8(ascii: "x"): name.hasBytePrefix("x-amz-")
        case UInt8(ascii: "i"): name.hasBytePrefix("if-")
        case UInt8(ascii: "r"): Name(name) == "range"
        case UInt8(ascii: "c"): Name(name) == "content-range"
        default: false
        }
    }

    static func refusal(header name: String) -> S3Error {
        guard !name.hasBytePrefix("x-amz-grant-") else {
            return S3Error(.accessControlListNotSupported, details: [("Header", name)])
        }
        return .notServed(.header, name)
    }
}
