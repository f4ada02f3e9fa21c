import S3Types
import S3Wire
import Testing

/// Parameters, elements and hosts are told apart by bytes.
@Suite(.timeLimit(.minutes(3))) struct TextTests {
    private func address(_ target: String, host: String? = nil, domains: [String] = []) throws -> S3Address {
        try S3Address(try #require(RequestTarget(target)), host: host, domains: domains)
    }

    @Test func parametersOfTwinsAreTwo() throws {
        let query = try address("/bucket?%E2%84%AA=1&K=2&caf%C3%A9=3&cafe%CC%81=4").query
        #expect(query.first("K") == "2" && query.all("\u{212A}") == ["1"])
        #expect(query.first("cafe\u{301}") == "4" && query.first("caf\u{E9}") == "3")
        #expect(!query.contains("Cafe\u{301}"))
    }

    /// No element of S3 has another name than one of ASCII, so that a twin of one is none.
    @Test(arguments: ["\u{212A}ey", "Ke\u{301}y"])
    func twinsOfElementsAreRefused(name: String) {
        #expect(throws: XMLReaderError.self) { try XMLReader.read(Array("<r><\(name)>1</\(name)></r>".utf8)) }
    }

    @Test func aHostIsCutAtBytes() {
        func bucket(_ host: String) -> String? { S3Address.hostedBucket(host: host, domains: ["s3.local"]) }
        #expect(bucket("b.S3.local:80") == "b")
        // A mark behind the colon hides no port, and one within the domain makes another.
        #expect(bucket("b.s3.local:\u{301}80") == "b")
        #expect(bucket("b.s3.loca\u{301}l") == nil && bucket("b.s3.local\u{301}") == nil)
    }
}
