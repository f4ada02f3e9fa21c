import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct ObjectKeyTests {
    @Test func keepsHostileNamesAsTheyAre() throws {
        for text in ["..", "../../etc/passwd", "//", "/", "a\u{0}b", "\u{7F}", "ключ", "e\u{301}"] {
            #expect(try ObjectKey(text).utf8.elementsEqual(text.utf8))
        }
    }

    @Test func comparesBytesAndNotCharacters() throws {
        let composed = try ObjectKey("\u{E9}")
        let decomposed = try ObjectKey("e\u{301}")
        #expect(composed != decomposed)
        #expect(decomposed < composed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func refusesEmptyTooLongAndBrokenUTF8() throws {
        #expect(throws: ValueError.objectKeyEmpty) { try ObjectKey("") }
        #expect(try ObjectKey(String(repeating: "a", count: 1024)).utf8.count == 1024)
        #expect(throws: ValueError.objectKeyTooLong(byteCount: 1026)) {
            try ObjectKey(String(repeating: "é", count: 513))
        }
        #expect(throws: ValueError.objectKeyNotUTF8) { try ObjectKey(bytes: [0x61, 0xFF]) }
    }
}

@Suite(.timeLimit(.minutes(3))) struct ByteRangeTests {
    @Test(arguments: [
        ("bytes=0-0", 0..<1), ("bytes=0-9", 0..<10), ("bytes=5-", 5..<10), ("bytes=-3", 7..<10), ("bytes=-100", 0..<10),
        ("bytes=2-100", 2..<10), ("bytes=9-18446744073709551615", 9..<10),
    ])
    func resolvesWithinTenBytes(header: String, expected: Range<UInt64>) throws {
        #expect(try #require(ByteRange(header: header)).resolved(sizeBytes: 10) == expected)
    }

    @Test(arguments: ["bytes=10-", "bytes=10-11", "bytes=-0"])
    func namesNoByteOfTen(header: String) throws {
        #expect(try #require(ByteRange(header: header)).resolved(sizeBytes: 10) == nil)
    }

    @Test(arguments: [
        "", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2", "bytes=1--2",
        "bytes=99999999999999999999-",
    ])
    func ignoresWhatIsNotOneRange(header: String) {
        #expect(ByteRange(header: header) == nil)
    }
}

@Suite(.timeLimit(.minutes(3))) struct ETagTests {
    @Test func readsQuotesAndWeakMarks() throws {
        #expect(try ETag("\"abc\"").text == "abc")
        #expect(try ETag("abc").quoted == "\"abc\"")
        #expect(try ETag("W/\"abc-2\"").text == "abc-2")
        for broken in ["", "\"\"", "a\"b", "a b", "a\n", String(repeating: "a", count: 129)] {
            #expect(throws: ValueError.etag(broken)) { try ETag(broken) }
        }
    }

    @Test func writesPartCount() {
        #expect(
            ETag(md5OfPartDigests: Array(repeating: 0xAB, count: 16), partCount: 3).text == String(
                repeating: "ab", count: 16) + "-3")
    }
}

@Suite(.timeLimit(.minutes(3))) struct IdentifierTests {
    @Test func partNumbersEndAtTenThousand() throws {
        #expect(try PartNumber("1").value == 1)
        #expect(try PartNumber(10_000).value == 10_000)
        for broken in ["0", "10001", "-1", "", "1.5", "99999999999999999999"] {
            #expect(throws: ValueError.partNumber(broken)) { try PartNumber(broken) }
        }
    }

    @Test func uploadIDsAreThirtyTwoHexadecimalDigits() throws {
        let id = UploadID(bytes: Array(0..<16))
        #expect(id.text == "000102030405060708090a0b0c0d0e0f")
        #expect(try UploadID(id.text) == id)
        #expect(throws: ValueError.uploadID("ABC")) { try UploadID("ABC") }
    }

    @Test func hexadecimalGoesBothWays() {
        #expect(bytes(hexadecimal: "00ffA5") == [0, 255, 0xA5])
        #expect(bytes(hexadecimal: "0") == nil)
        #expect(bytes(hexadecimal: "0g") == nil)
        #expect(hexadecimal([0, 255, 0xA5]) == "00ffa5")
    }
}
