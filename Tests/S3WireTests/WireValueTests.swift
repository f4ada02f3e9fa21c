import S3Types
import S3Wire
import Testing

@Suite(.timeLimit(.minutes(3))) struct WireTimeTests {
    @Test func writesAndReadsBothForms() {
        #expect(WireTime.iso8601(milliseconds: 1_369_353_600_123) == "2013-05-24T00:00:00.123Z")
        #expect(WireTime.httpDate(milliseconds: 784_111_777_000) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(WireTime.seconds(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        for seconds: Int64 in [0, 951_782_400, 1_709_164_799, 4_102_444_799] {
            #expect(WireTime.seconds(httpDate: WireTime.httpDate(milliseconds: seconds * 1000)) == seconds)
        }
    }

    @Test(arguments: [
        "", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 6x Nov 1994 08:49:37 GMT",
    ])
    func readsNothingElse(text: String) { #expect(WireTime.seconds(httpDate: text) == nil) }
}

@Suite(.timeLimit(.minutes(3))) struct Base64Tests {
    /// Source: RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func writesAndReadsThePublishedVectors(plain: String, encoded: String) {
        #expect(base64(Array(plain.utf8)) == encoded)
        #expect(bytes(base64: encoded) == Array(plain.utf8))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z\n==", "====", "=Zg=", "Zm-v"])
    func refusesWhatIsNot(text: String) { #expect(bytes(base64: text) == nil) }

    @Test func checksumsCarryTheirKind() throws {
        let checksum = try Checksum(.crc64nvme, text: "rosUhgp5mIg=")
        #expect(checksum.bytes == [0xAE, 0x8B, 0x14, 0x86, 0x0A, 0x79, 0x98, 0x88])
        #expect(checksum.text == "rosUhgp5mIg=")
        #expect(Checksum(composite: .crc32, bytes: [0, 0, 0, 1], partCount: 3).text == "AAAAAQ==-3")
        #expect(throws: ValueError.checksum(.crc32, "rosUhgp5mIg=")) { try Checksum(.crc32, text: "rosUhgp5mIg=") }
    }
}

@Suite(.timeLimit(.minutes(3))) struct DocumentTests {
    @Test func readsADelete() throws {
        let body =
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><ETag>\"x\"</ETag></Object><Quiet>true</Quiet></Delete>"
        let document = try DeleteDocument(Array(body.utf8))
        #expect(document.entries.map(\.key) == ["a&b", "c"])
        #expect(document.entries[1].etag == "\"x\"")
        #expect(document.isQuiet)
    }

    @Test(arguments: [
        "<Delete></Delete>", "<Delete><Object></Object></Delete>", "<Other/>", "junk",
        "<Delete>" + String(repeating: "<Object><Key>k</Key></Object>", count: 1001) + "</Delete>",
    ])
    func refusesAMalformedDelete(body: String) {
        #expect(throws: S3Error(.malformedXML)) { try DeleteDocument(Array(body.utf8)) }
    }

    @Test func readsACompletion() throws {
        let body =
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"0cc175b9c0f1b6a831c399e269772661\"</ETag><ChecksumCRC32>6Le+Qw==</ChecksumCRC32></Part></CompleteMultipartUpload>"
        let document = try CompleteUploadDocument(Array(body.utf8))
        #expect(document.parts.map(\.number.value) == [1])
        #expect(document.parts[0].etag.text == "0cc175b9c0f1b6a831c399e269772661")
        #expect(document.parts[0].checksums.map(\.text) == ["6Le+Qw=="])
    }

    @Test(arguments: [
        ("<CompleteMultipartUpload/>", S3ErrorCode.malformedXML),
        (
            "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            .malformedXML
        ),
        ("<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>", .malformedXML),
        (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag></ETag></Part></CompleteMultipartUpload>",
            .invalidPart
        ),
        (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumCRC32>x</ChecksumCRC32></Part></CompleteMultipartUpload>",
            .invalidRequest
        ),
        ("", .missingRequestBody),
    ])
    func refusesAMalformedCompletion(body: String, code: S3ErrorCode) {
        #expect { _ = try CompleteUploadDocument(Array(body.utf8)) } throws: { ($0 as? S3Error)?.code == code }
    }
}

@Suite(.timeLimit(.minutes(3))) struct S3ErrorTests {
    @Test func theTableHasAStatusAndAMessageForEveryCode() {
        for code in S3ErrorCode.allCases {
            #expect((300...599).contains(code.status), "\(code)")
            #expect(!code.message.isEmpty)
        }
    }

    @Test func writesTheDocument() throws {
        let error = S3Error(.noSuchBucket, details: [("BucketName", "a&b")])
        let document = try XMLReader.read(error.document(resource: "/a&b", requestID: "R", hostID: "H"))
        #expect(document.name == "Error")
        #expect(document.children.map(\.name) == ["Code", "Message", "BucketName", "Resource", "RequestId", "HostId"])
        #expect(
            document.children.map(\.text) == [
                "NoSuchBucket", "The specified bucket does not exist", "a&b", "/a&b", "R", "H",
            ])
    }

    @Test func everyBrokenValueHasItsError() {
        let table: [(ValueError, S3ErrorCode)] = [
            (.bucketName("A"), .invalidBucketName), (.objectKeyEmpty, .invalidArgument),
            (.objectKeyTooLong(byteCount: 2000), .keyTooLong),
            (.objectKeyNotUTF8, .invalidURI), (.etag(""), .invalidArgument), (.versionID(""), .invalidArgument),
            (.uploadID(""), .noSuchUpload),
            (.partNumber("0"), .invalidArgument), (.checksum(.crc32, ""), .invalidRequest),
        ]
        for (value, code) in table { #expect(S3Error(value).code == code) }
    }
}
