import Testing

@testable import ModelImage
@testable import ModelSync

/// Bundles with `encoders.json`: compiled into the image, and asked by golden requests in the words of clients.
@Suite(.timeLimit(.minutes(3))) struct EncoderBundleTests {
    /// margin = 1 + 10·site + hour + 2·site·hour.
    private static let model = """
        {"format":"lodestore-factorization-machine","version":1,"task":"regression","bias":1,
        "features":["site","hour"],"weights":[10,1],"factors":[[1],[2]]}
        """
    private static let encoders =
        #"{"version":1,"encoders":{"site":{"categories":{"a, b":1,"say \"ü\"":2},"unknown":3}}}"#

    private static func artifact(encoders: String? = encoders, golden: String? = nil) -> [UInt8] {
        var archive = TarBuilder()
        archive.add("model.json", Array(model.utf8))
        if let encoders { archive.add("encoders.json", Array(encoders.utf8)) }
        if let golden { archive.add("golden.csv", Array(golden.utf8)) }
        return archive.finished()
    }

    private static let golden = #"""
        site,hour,margin
        "a, b",0,11
        "say ""ü""",1,26
        elsewhere,1,38
        7,0,31
        ,5,6

        """#

    @Test func goldenRequestsGoThroughTheEncoders() throws {
        let image = try OfflineCompiler.image(of: Self.artifact(golden: Self.golden))
        try image.withUnsafeBytes { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
            defer { memory.deallocate() }
            memory.copyMemory(from: bytes)
            let view = try ModelImageView(validating: UnsafeRawBufferPointer(memory))
            #expect(view.featureIndex(named: Array("hour".utf8).span) == 1)
            #expect(view.encodedNumber(of: Array("a, b".utf8).span, feature: 0) == 1)
            #expect(view.encodedNumber(of: Array("1".utf8).span, feature: 0) == 3)
            #expect(view.encodedNumber(of: Array("a, b".utf8).span, feature: 1) == nil)
        }
    }

    @Test func aTextThatDoesNotReproduceIsSaid() {
        let golden = Self.golden.replacing("elsewhere,1,38", with: "elsewhere,1,26")
        #expect(throws: PreparationError.self) { try OfflineCompiler.image(of: Self.artifact(golden: golden)) }
        do {
            _ = try OfflineCompiler.image(of: Self.artifact(golden: golden))
        } catch {
            #expect("\(error)" == "golden request in line 4 does not reproduce: margin is 38.0, expected 26.0")
        }
    }

    @Test func encodersOfAnotherModelAreRefused() {
        let encoders = #"{"version":1,"encoders":{"sight":["a"]}}"#
        do {
            _ = try OfflineCompiler.image(of: Self.artifact(encoders: encoders))
            Issue.record("accepted")
        } catch {
            #expect("\(error)".hasPrefix("encoders.json: inconsistent: the model has no feature sight"), "\(error)")
        }
    }

    @Test func textsWithoutEncodersAreNoNumbers() {
        do {
            _ = try OfflineCompiler.image(of: Self.artifact(encoders: nil, golden: Self.golden))
            Issue.record("accepted")
        } catch {
            #expect("\(error)" == "line 2 of golden.csv: site is no number")
        }
    }

    @Test(arguments: ["a,margin\n\"1,2\n", "a,margin\n\"1\"2,3\n", "a,margin\n1\"2,3\n", "\"a,margin\n1,2\n"])
    func quotationMarksOutOfPlaceAreRefused(text: String) {
        do throws(GoldenError) {
            _ = try GoldenRequests(csv: Array(text.utf8))
            Issue.record("accepted")
        } catch {
            #expect("\(error)".hasSuffix("a quotation mark out of place"))
        }
    }
}
