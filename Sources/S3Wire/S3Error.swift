package import S3Types

/// An error as a client of S3 sees it. The caller throws it before an answer has been started; nothing has changed.
package struct S3Error: Error, Sendable, Equatable {
    package let code: S3ErrorCode
    package let message: String
    /// More elements of the error document, in order, such as BucketName or ArgumentValue.
    package let details: [Detail]

    package struct Detail: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package init(_ code: S3ErrorCode, _ message: String? = nil, details: [(String, String)] = []) {
        self.code = code
        self.message = message ?? code.message
        self.details = details.map { Detail(name: $0.0, value: $0.1) }
    }

    /// The error of a value that does not parse.
    package init(_ error: ValueError) {
        switch error {
        case .bucketName(let text): self.init(S3ErrorCode.invalidBucketName, details: [("BucketName", text)])
        case .objectKeyEmpty:
            self.init(S3ErrorCode.invalidArgument, "The key is empty", details: [("ArgumentName", "key")])
        case .objectKeyTooLong(let count):
            self.init(
                S3ErrorCode.keyTooLong,
                details: [("MaxSizeAllowed", String(ObjectKey.limitBytes)), ("Size", String(count))])
        case .objectKeyNotUTF8: self.init(S3ErrorCode.invalidURI)
        case .etag(let text):
            self.init(
                S3ErrorCode.invalidArgument, "The entity tag is malformed",
                details: [("ArgumentName", "ETag"), ("ArgumentValue", text)])
        case .versionID(let text):
            self.init(
                S3ErrorCode.invalidArgument, "Invalid version id specified",
                details: [("ArgumentName", "versionId"), ("ArgumentValue", text)])
        case .uploadID(let text): self.init(S3ErrorCode.noSuchUpload, details: [("UploadId", text)])
        case .partNumber(let text):
            self.init(
                S3ErrorCode.invalidArgument, "Part number must be an integer between 1 and 10000, inclusive",
                details: [("ArgumentName", "partNumber"), ("ArgumentValue", text)])
        case .checksum(let algorithm, _):
            self.init(S3ErrorCode.invalidRequest, "Value for \(algorithm.headerName) header is invalid.")
        }
    }

    /// The error document.
    ///
    /// - Parameters:
    ///   - resource: the path that the client asked for.
    ///   - hostID: the value of x-amz-id-2.
    package func document(resource: String, requestID: String, hostID: String) -> [UInt8] {
        var xml = XMLWriter(root: "Error", isNamespaced: false)
        xml.element("Code", code.rawValue)
        xml.element("Message", message)
        for detail in details { xml.element(detail.name, detail.value) }
        xml.element("Resource", resource)
        xml.element("RequestId", requestID)
        xml.element("HostId", hostID)
        return xml.finish()
    }
}
