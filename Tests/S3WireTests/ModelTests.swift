import S3Types
import S3Wire
import Testing

/// The table beside the model of the SDK: what is not in it is refused by name.
@Suite(.timeLimit(.minutes(3))) struct ModelTests {
    /// Asked of hosts that are no store: of zones, with the very request of ListBuckets, and of functions.
    private let elsewhere: Set = ["ListDirectoryBuckets", "WriteGetObjectResponse"]
    /// Read by the service as what a body or an object is, and held to nothing here.
    private let describing: Set = [
        "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
        "content-md5", "content-type", "expires",
    ]

    private func entry(_ operation: ModelOperation) throws -> OperationEntry {
        let target = try #require(RequestTarget(operation.target))
        let isCopy = operation.headers.contains("x-amz-copy-source")
        return try OperationTable.entry(
            method: operation.method, address: try S3Address(target, host: nil, domains: []), isCopy: isCopy)
    }

    @Test func everyOperationIsServedOrRefusedByName() throws {
        let served = Set(S3Operation.allCases.map(\.rawValue))
        for operation in try ModelOperation.all() where !elsewhere.contains(operation.name) {
            if served.contains(operation.name) {
                #expect(try entry(operation).operation.rawValue == operation.name)
                continue
            }
            let error = #expect(throws: S3Error.self, "\(operation.name)") { try entry(operation) }
            #expect(error?.code == .notImplemented)
            let name = try #require(operation.subresources.first)
            #expect(error?.message.contains(name) == true, "\(operation.name)")
            #expect(error?.refusedPart == "parameter \(name)")
        }
    }

    @Test func parametersOfServedOperationsAreTaken() throws {
        // `bucket-region` would narrow the list of buckets, all of which are in one region; `id` and the like are of others.
        let passedOver = ["ListBuckets bucket-region"]
        for operation in try ModelOperation.all() where S3Operation(rawValue: operation.name) != nil {
            let entry = try entry(operation)
            for name in operation.required + operation.optional where !passedOver.contains("\(operation.name) \(name)")
            {
                #expect(entry.takes(parameter: name), "\(operation.name) \(name)")
            }
        }
    }

    /// Every header of the model with every operation: taken, or refused with its name.
    @Test func everyHeaderIsTakenOrRefusedByName() throws {
        let operations = try ModelOperation.all()
        let names = Set(operations.flatMap(\.headers).filter { !describing.contains($0) && !$0.hasSuffix("-") })
            .union(["range", "if-range", "content-range", "if-of-tomorrow", "x-amz-of-tomorrow"])
        var refused = 0
        for operation in operations where S3Operation(rawValue: operation.name) != nil {
            let entry = try entry(operation)
            for name in names.sorted() {
                do throws(S3Error) {
                    try entry.check([("host", "h"), (name, "1")])
                    #expect(entry.takes(header: name), "\(operation.name) \(name)")
                    let isNeutral =
                        ["if-range", "if-none-match", "if-modified-since", "range"].contains(name) && entry.isRead
                    let isOfModel =
                        operation.headers.contains(name) || operation.method == "PUT" && operation.level == "object"
                    #expect(
                        isNeutral || isOfModel || name.hasPrefix("x-amz-checksum-") || Self.common.contains(name),
                        "\(operation.name) \(name)")
                } catch {
                    refused += 1
                    #expect(
                        error.refusedPart == "header \(name)" || error.code == .invalidStorageClass,
                        "\(operation.name) \(name)")
                    #expect(
                        [.notImplemented, .accessControlListNotSupported, .invalidStorageClass].contains(error.code))
                }
            }
        }
        #expect(refused > 1000)
    }

    private static let common: Set = [
        "x-amz-expected-bucket-owner", "x-amz-request-payer", "x-amz-sdk-checksum-algorithm",
    ]

    @Test func headersThatMeanWhatIsSoAnywayAreTaken() throws {
        func check(_ method: String, _ target: String, _ fields: [(name: String, value: String)]) throws(S3Error) {
            guard let parsed = RequestTarget(target) else { throw S3Error(.invalidURI) }
            let address = try S3Address(parsed, host: nil, domains: [])
            try OperationTable.entry(method: method, address: address, isCopy: false).check(fields)
        }
        try check(
            "PUT", "/models/k?x-id=PutObject",
            [
                ("amz-sdk-invocation-id", "a"), ("amz-sdk-request", "attempt=1"), ("x-amz-user-agent", "aws-sdk-js/3"),
                ("x-amz-date", "20130524T000000Z"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                ("x-amz-security-token", "t"), ("x-amz-api-version", "2006-03-01"),
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
                ("x-amz-trailer", "x-amz-checksum-crc32"), ("x-amz-decoded-content-length", "5"),
                ("x-amz-acl", "private"), ("x-amz-storage-class", "STANDARD"), ("x-amz-meta-a", "1"),
                ("x-amz-meta-a", "2"), ("if-none-match", "*"),
            ])
        try check("PUT", "/models", [("x-amz-object-ownership", "BucketOwnerEnforced")])
        try check("GET", "/models?list-type=2", [("x-amz-optional-object-attributes", "RestoreStatus")])
        #expect(throws: S3Error.self) { try check("PUT", "/models", [("x-amz-object-ownership", "ObjectWriter")]) }
        #expect(throws: S3Error.self) { try check("GET", "/models/k", [("x-amz-meta-a", "1")]) }
        let twice = #expect(throws: S3Error.self) {
            try check("DELETE", "/models/k", [("if-match", "\"a\""), ("if-match", "\"b\"")])
        }
        #expect(twice?.code == .invalidArgument)
    }

    /// What may stand in the documents that are read: each element is read or refused by name, and no other is passed over.
    @Test func everyElementIsReadOrRefusedByName() throws {
        let read: [String: [String: String]] = [
            "Delete": ["Object": "<Object><Key>k</Key></Object>", "Quiet": "<Quiet>true</Quiet>"],
            "Delete/Object": ["Key": "", "VersionId": "<VersionId>null</VersionId>", "ETag": "<ETag>a</ETag>"],
            "CreateBucketConfiguration": ["LocationConstraint": "<LocationConstraint>us-east-1</LocationConstraint>"],
            "CompleteMultipartUpload": ["Part": "<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>"],
            "CompleteMultipartUpload/Part": [
                "PartNumber": "", "ETag": "", "ChecksumCRC32": "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>",
                "ChecksumCRC32C": "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>",
                "ChecksumCRC64NVME": "<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>",
                "ChecksumSHA1": "<ChecksumSHA1>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA1>",
                "ChecksumSHA256": "<ChecksumSHA256>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA256>",
            ],
        ]
        for fields in try ModelOperation.lines("elements.tsv") {
            let path = fields[0]
            let known = try #require(read[path], "\(path)")
            for name in fields[1].split(separator: " ").map({ String($0.prefix { $0 != "/" }) }) + ["OfTomorrow"] {
                let error = Self.error(of: path, known[name] ?? "<\(name)>1</\(name)>")
                if known[name] != nil {
                    #expect(error == nil, "\(path) \(name)")
                } else {
                    #expect(error?.code == (name == "OfTomorrow" ? .malformedXML : .notImplemented), "\(path) \(name)")
                    #expect(error?.refusedPart == "element \(name)")
                    #expect(error?.message.contains(name) == true)
                }
            }
        }
    }

    @Test func elementsHoldWhatTheyAreReadAs() {
        #expect(Self.error(of: "Delete/Object", "<Key>again</Key>")?.code == .malformedXML)
        #expect(Self.error(of: "Delete/Object", "<VersionId>nu<b/>ll</VersionId>")?.code == .malformedXML)
        #expect(Self.error(of: "Delete/Object", "words")?.code == .malformedXML)
        #expect(Self.error(of: "Delete/Object", "\n  <ETag>a</ETag>\n") == nil)
        #expect(Self.error(of: "Delete", "<Object><Key>k</Key></Object><Quiet>perhaps</Quiet>")?.code == .malformedXML)
    }

    /// What is said of a document with this in the element at the path.
    private static func error(of path: String, _ inner: String) -> S3Error? {
        do throws(S3Error) {
            switch path {
            case "Delete":
                let object = inner.contains("<Object>") ? "" : "<Object><Key>k</Key></Object>"
                _ = try DeleteDocument(Array("<Delete>\(object)\(inner)</Delete>".utf8))
            case "Delete/Object":
                _ = try DeleteDocument(Array("<Delete><Object><Key>k</Key>\(inner)</Object></Delete>".utf8))
            case "CompleteMultipartUpload":
                let part = inner.contains("<Part>") ? "" : "<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>"
                let body = "<CompleteMultipartUpload>\(part)\(inner)</CompleteMultipartUpload>"
                _ = try CompleteUploadDocument(Array(body.utf8))
            case "CompleteMultipartUpload/Part":
                let part = "<Part><PartNumber>1</PartNumber><ETag>a</ETag>\(inner)</Part>"
                _ = try CompleteUploadDocument(
                    Array("<CompleteMultipartUpload>\(part)</CompleteMultipartUpload>".utf8))
            default: _ = try CreateBucketDocument(Array("<\(path)>\(inner)</\(path)>".utf8))
            }
            return nil
        } catch { return error }
    }
}
