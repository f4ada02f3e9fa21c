import S3Types
import S3Wire
import Testing

/// The entry of a request, as the service finds it.
private func entry(
    _ method: String, _ target: String, isCopy: Bool = false, isPresigned: Bool = false
) throws(S3Error) -> OperationEntry {
    guard let parsed = RequestTarget(target) else { throw S3Error(.invalidURI) }
    let address = try S3Address(parsed, host: nil, domains: [])
    return try OperationTable.entry(method: method, address: address, isCopy: isCopy, isPresigned: isPresigned)
}

/// The refusal of a request; nil where it has an entry.
private func refusal(_ method: String, _ target: String, isPresigned: Bool = false) -> S3Error? {
    do throws(S3Error) {
        _ = try entry(method, target, isPresigned: isPresigned)
        return nil
    } catch { return error }
}

private let methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]

@Suite(.timeLimit(.minutes(3))) struct OperationTableTests {
    @Test(arguments: [
        ("GET", "/", "ListBuckets"), ("PUT", "/models", "CreateBucket"), ("HEAD", "/models", "HeadBucket"),
        ("DELETE", "/models", "DeleteBucket"),
        ("GET", "/models?location", "GetBucketLocation"), ("GET", "/models?versioning", "GetBucketVersioning"),
        ("GET", "/models", "ListObjects"),
        ("GET", "/models?list-type=2", "ListObjectsV2"), ("GET", "/models?uploads", "ListMultipartUploads"),
        ("GET", "/models?events=s3:ObjectCreated:*", "ListenNotification"), ("POST", "/models?delete", "DeleteObjects"),
        ("GET", "/models/k", "GetObject"), ("HEAD", "/models/k", "HeadObject"), ("PUT", "/models/k", "PutObject"),
        ("DELETE", "/models/k", "DeleteObject"),
        ("POST", "/models/k?uploads", "CreateMultipartUpload"),
        ("PUT", "/models/k?partNumber=1&uploadId=x", "UploadPart"),
        ("POST", "/models/k?uploadId=x", "CompleteMultipartUpload"),
        ("DELETE", "/models/k?uploadId=x", "AbortMultipartUpload"),
        ("GET", "/models/k?uploadId=x", "ListParts"),
    ])
    func namesTheOperation(method: String, target: String, name: String) throws {
        #expect(try entry(method, target).operation.rawValue == name)
        let withID = target + (target.contains("?") ? "&" : "?") + "x-id=\(name)"
        #expect(try entry(method, withID).operation.rawValue == name, "SDKs say what they mean")
        #expect(refusal(method, withID + "Annotation")?.code == .notImplemented)
    }

    @Test func aCopySourceMakesAWriteACopy() throws {
        #expect(try entry("PUT", "/models/k", isCopy: true).operation == .copyObject)
        let part = "/models/k?partNumber=1&uploadId=x"
        #expect(try entry("PUT", part, isCopy: true).operation == .uploadPartCopy)
    }

    @Test func everyOperationHasOneEntry() {
        let entries =
            OperationTable.entries(of: .service) + OperationTable.entries(of: .bucket)
            + OperationTable.entries(of: .object)
        #expect(entries.map(\.operation.rawValue).sorted() == S3Operation.allCases.map(\.rawValue).sorted())
    }

    @Test func everySubresourceOnEveryMethodIsServedOrRefusedByName() throws {
        var served: [String] = []
        let names = Set(try ModelOperation.all().flatMap(\.subresources)).union(["uploadId", "events"])
        for name in names.sorted() {
            for method in methods {
                for (target, level) in [("/models", OperationEntry.Level.bucket), ("/models/k", .object)] {
                    guard let refusal = refusal(method, "\(target)?\(name)") else {
                        served.append("\(method) \(target)?\(name)")
                        let entry = try entry(method, "\(target)?\(name)")
                        #expect(entry.level == level)
                        #expect(entry.takes(parameter: name), "\(served.last ?? "")")
                        continue
                    }
                    let isHalfOfAPart = method == "PUT" && level == .object && name == "uploadId"
                    #expect(refusal.code == (isHalfOfAPart ? .invalidArgument : .notImplemented))
                    #expect(refusal.message.contains(name) && refusal.refusedPart != nil)
                }
            }
        }
        #expect(
            Set(served) == [
                "GET /models?location", "GET /models?versioning", "GET /models?uploads", "GET /models?events",
                "POST /models?delete", "GET /models/k?uploadId", "DELETE /models/k?uploadId",
                "POST /models/k?uploads", "POST /models/k?uploadId",
            ])
    }

    @Test func twoSubresourcesAreNoOperation() {
        for target in ["/models?uploads&location", "/models?location&acl", "/models/k?uploadId=x&tagging"] {
            #expect(refusal("GET", target)?.code == .notImplemented, "\(target)")
        }
        #expect(refusal("POST", "/models/k?uploads&uploadId=x")?.code == .notImplemented)
        #expect(refusal("DELETE", "/models/k?uploadId=x&uploads")?.code == .notImplemented)
    }

    @Test func unknownParametersAreRefusedOnWritesAndPassedOverOnReads() {
        for (method, target) in [
            ("PUT", "/models"), ("DELETE", "/models"), ("POST", "/models?delete"), ("PUT", "/models/k"),
            ("DELETE", "/models/k"), ("POST", "/models/k?uploads"), ("PUT", "/models/k?partNumber=1&uploadId=x"),
            ("POST", "/models/k?uploadId=x"), ("DELETE", "/models/k?uploadId=x"), ("POST", "/models"),
        ] {
            for name in ["of-tomorrow", "Uploads", "versionid", "X-Amz-Acl", "list-type", "Signature"] {
                let error = refusal(method, target + (target.contains("?") ? "&" : "?") + "\(name)=1")
                #expect(error?.code == .notImplemented, "\(method) \(target) \(name)")
                #expect(error?.refusedPart == "parameter \(name)")
            }
        }
        for target in ["/", "/models", "/models?list-type=2", "/models?uploads", "/models/k", "/models/k?uploadId=x"] {
            let error = refusal("GET", target + (target.contains("?") ? "&" : "?") + "nocache=1&id=2&utm_source=x")
            #expect(error == nil, "\(target)")
        }
    }

    @Test func presignedParametersAreOfTheSignature() {
        let signed = "/models/k?X-Amz-Signature=a&X-Amz-Expires=5&x-amz-acl=private"
        #expect(refusal("PUT", signed, isPresigned: true) == nil)
        #expect(refusal("PUT", signed)?.code == .notImplemented)
        #expect(refusal("DELETE", "/models/k?AWSAccessKeyId=a&Signature=b&Expires=5", isPresigned: true) == nil)
        #expect(refusal("DELETE", "/models/k?AWSAccessKeyId=a&uploads", isPresigned: true)?.code == .notImplemented)
    }

    @Test func whatIsGivenTwiceOrHalfIsRefused() {
        func argument(_ method: String, _ target: String) -> String? { refusal(method, target)?.refusedPart }
        #expect(argument("PUT", "/models/k?partNumber=1&uploadId=x&partNumber=2") == "argument partNumber")
        #expect(argument("DELETE", "/models/k?uploadId=x&uploadId=y") == "argument uploadId")
        #expect(argument("PUT", "/models/k?uploadId=x") == "argument partNumber")
        #expect(argument("PUT", "/models/k?partNumber=1") == "argument uploadId")
    }

    @Test func otherMethodsAreNotAllowed() {
        for (method, target) in [
            ("PATCH", "/models/k"), ("PUT", "/"), ("POST", "/"), ("DELETE", "/"), ("TRACE", "/models"),
        ] {
            #expect(refusal(method, target)?.code == .methodNotAllowed, "\(method) \(target)")
        }
        #expect(refusal("POST", "/models")?.refusedPart == "method POST", "a browser's form")
        #expect(refusal("POST", "/models/k")?.code == .notImplemented)
    }

    @Test func refusedNamesAreShortAndPrintable() {
        let error = refusal("PUT", "/models/k?" + String(repeating: "a", count: 5000))
        #expect((error?.message.utf8.count ?? 0) < 300)
        #expect(refusal("PUT", "/models/k?a%0Ab%1B")?.refusedPart == "parameter a%0Ab%1B")
    }
}
