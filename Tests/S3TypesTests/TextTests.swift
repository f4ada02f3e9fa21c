import PropertyTesting
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct TextTests {
    @Test func keysThatDifferInTheirBytesAreTwo() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<200 {
            let twins = Twins.random(using: &random)
            let (first, second) = (try ObjectKey(twins.0), try ObjectKey(twins.1))
            #expect(first != second && [first: 1, second: 2].count == 2)
            let copy = try ObjectKey(bytes: Array(twins.0.utf8))
            #expect(first == copy && first.hashValue == copy.hashValue)
            #expect(Secret(twins.0) != Secret(twins.1) && Secret(twins.0) == Secret(copy.text))
        }
    }

    @Test(arguments: ["\u{212A}bucket", "bucket\u{37E}", "buc\u{301}ket", "bucket-s3alias\u{301}"])
    func noBucketIsCalledLikeATwin(text: String) {
        #expect(throws: ValueError.bucketName(text)) { _ = try BucketName(text) }
    }

    @Test func anETagIsFreedOfItsMarksByBytes() throws {
        #expect(try ETag("W/\"abc\"").text == "abc")
        #expect(throws: ValueError.self) { _ = try ETag("\"abc\"\u{301}") }
    }
}
