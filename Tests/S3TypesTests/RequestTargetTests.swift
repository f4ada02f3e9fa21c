import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct RequestTargetTests {
    @Test func takesPathAndParametersApart() throws {
        let target = try #require(RequestTarget("/b/a%20+%2F?prefix=x+y%2B&uploads&=v&&a=1=2&a=3"))
        #expect(target.path == Array("/b/a +/".utf8))
        #expect(target.encodedPathCount == 11)
        #expect(target.first("prefix") == "x y+")
        #expect(target.first("uploads") == "")
        #expect(target.first("a") == "1=2")
        #expect(target.only("a") == nil)
        #expect(target.only("prefix") == "x y+")
        #expect(target.contains("uploads") && !target.contains("upload"))
        #expect(target.parameters.count == 5)
    }

    @Test(arguments: ["/", "", "/?", "/?&", "/a?=", "*"])
    func takesWhatHasNoParameters(text: String) throws {
        #expect(try #require(RequestTarget(text)).parameters.allSatisfy { $0.name.isEmpty && $0.value.isEmpty })
    }

    @Test(arguments: ["/%", "/%1", "/%zz", "/%1g", "/?a=%", "/?%0=1", "/?a=%f"])
    func refusesBrokenEncoding(text: String) { #expect(RequestTarget(text) == nil) }

    @Test func encodingIsUndoneByDecoding() {
        for byte in UInt8.min...UInt8.max {
            var encoded: [UInt8] = []
            PercentEncoding.encode([byte], keepsSlash: false, into: &encoded)
            #expect(PercentEncoding.decode(encoded[...], plusIsSpace: true) == [byte])
        }
        #expect(PercentEncoding.encode("a/b c~", keepsSlash: true) == "a/b%20c~")
        #expect(PercentEncoding.encode("a/b", keepsSlash: false) == "a%2Fb")
    }
}
