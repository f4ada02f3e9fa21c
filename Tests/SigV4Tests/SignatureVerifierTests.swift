import S3Types
import SigV4
import Testing

@Suite(.timeLimit(.minutes(3))) struct SignatureVerifierTests {
    private let plain: [(name: String, value: String)] = [("host", "models.localhost"), ("range", "bytes=0-9")]

    private func signed(
        _ target: String = "/k", method: String = "GET", fields: [(name: String, value: String)]? = nil,
        payload: PayloadForm = .unsigned, atSeconds: Int64 = Vectors.seconds
    ) throws -> RequestFacts {
        RequestFacts(
            method: method, target: target,
            fields: try Vectors.signer.sign(
                method: method, target: target, fields: fields ?? plain, payload: payload, atSeconds: atSeconds))
    }

    private func verify(_ request: RequestFacts, at now: Int64 = Vectors.seconds) throws(SignatureError)
        -> VerifiedSignature
    {
        try Vectors.verifier(atSeconds: now).verify(request)
    }

    @Test func acceptsThePublishedHeaderExamples() throws {
        for example in try Vectors.load("header", as: [Vectors.Request].self) {
            let request = RequestFacts(method: example.method, target: example.target, fields: example.signedFields)
            let verified = try verify(request)
            #expect(verified.accessKey == Vectors.accessKey, "\(example.name ?? "")")
            #expect(verified.seed?.signature == example.signature)
        }
    }

    @Test func acceptsAndMakesThePublishedPresignedExample() throws {
        let example: Vectors.Request = try Vectors.load("presigned")
        let expiry = try #require(example.expires)
        let target = try Vectors.signer.presign(
            method: "GET", target: example.target, fields: example.pairs, expirySeconds: expiry,
            atSeconds: Vectors.seconds)
        #expect(target.hasSuffix("&X-Amz-Signature=\(example.signature)"))
        let request = RequestFacts(method: "GET", target: target, fields: example.pairs)
        #expect(try verify(request, at: Vectors.seconds + expiry).payload == .unsigned)
        #expect(
            throws: SignatureError.expired(
                atSeconds: Vectors.seconds + expiry, serverSeconds: Vectors.seconds + expiry + 1)
        ) {
            try verify(request, at: Vectors.seconds + expiry + 1)
        }
        #expect(throws: SignatureError.notYetValid) { try verify(request, at: Vectors.seconds - 901) }
    }

    /// What the signer makes, the verifier takes, whatever stands in a key or a query.
    @Test(arguments: [
        "/", "/b", "/b//k", "/b/../k", "/b/%2e%2e/k", "/b/a%20b", "/b/a+b", "/b/%D0%BA%D0%BB", "/b/%00", "/b/a%2Fb",
        "/b?uploads",
        "/b?prefix=a%20b&delimiter=%2F", "/b?a=2&a=1&B=&c", "/b/k?response-content-type=text%2Fplain", "/b/(x)!*'",
        "/b?&&",
    ])
    func signerAndVerifierAgree(target: String) throws {
        #expect(try verify(signed(target)).payload == .unsigned)
        let presigned = try Vectors.signer.presign(
            method: "GET", target: target, fields: plain, expirySeconds: 60, atSeconds: Vectors.seconds)
        _ = try verify(RequestFacts(method: "GET", target: presigned, fields: plain))
    }

    @Test func otherServicesEncodeThePathTwiceAndSignTheBody() throws {
        let canonical = CanonicalRequest(
            method: "POST", target: try #require(RequestTarget("/endpoints/a%20b/x")), fields: [("host", "h")],
            signedHeaders: ["host"], payload: "p", encodesPathTwice: true)
        #expect(canonical.text == "POST\n/endpoints/a%2520b/x\n\nhost:h\n\nhost\np")
        let digest = String(repeating: "ab", count: 32)
        let signer = RequestSigner(
            accessKey: Vectors.accessKey, secret: Vectors.secret, region: "us-east-1", service: "sagemaker")
        let fields = try signer.sign(
            method: "POST", target: "/endpoints/a%20b/x", fields: [("host", "h")],
            payload: try #require(PayloadForm(digest)), atSeconds: Vectors.seconds)
        let verifier = SignatureVerifier(
            region: "us-east-1", service: "sagemaker", secret: { $0 == Vectors.accessKey ? Vectors.secret : nil },
            now: { Vectors.seconds })
        var facts = RequestFacts(method: "POST", target: "/endpoints/a%20b/x", fields: fields)
        #expect(try verifier.verify(facts).payload == PayloadForm(digest))
        facts.target = "/endpoints/a%20c/x"
        #expect(throws: SignatureError.self) { try verifier.verify(facts) }
        // A URL of Version 2 is a matter of S3 alone.
        let legacy = RequestFacts(
            method: "POST", target: "/x?AWSAccessKeyId=\(Vectors.accessKey)&Signature=a&Expires=9999999999", fields: [])
        #expect(throws: SignatureError.unsigned) { try verifier.verify(legacy) }
    }

    @Test func aChangeAnywhereBreaksTheSignature() throws {
        let whole = try signed("/b/k?max-keys=2", payload: .digest([UInt8](repeating: 7, count: 32)))
        _ = try verify(whole)
        func expectMismatch(_ change: (inout RequestFacts) -> Void, line: Int = #line) {
            var request = whole
            change(&request)
            do {
                _ = try verify(request)
                Issue.record("accepted the change of line \(line)")
            } catch SignatureError.mismatch(let facts) {
                #expect(facts.accessKey == Vectors.accessKey)
                #expect(facts.stringToSign.hasPrefix("AWS4-HMAC-SHA256\n"))
            } catch {
                Issue.record("\(error)")
            }
        }
        expectMismatch { $0.method = "PUT" }
        expectMismatch { $0.target = "/b/K?max-keys=2" }
        expectMismatch { $0.target = "/b/k?max-keys=3" }
        expectMismatch { $0.target = "/b/k?max-keys=2&acl" }
        expectMismatch { $0.fields[0].value = "other.localhost" }
        expectMismatch { $0.fields[1].value = "bytes=0-8" }
        expectMismatch { $0.fields.append(("range", "bytes=1-2")) }
        expectMismatch { request in
            let index = request.fields.firstIndex { $0.name == "x-amz-content-sha256" }!
            request.fields[index].value = "UNSIGNED-PAYLOAD"
        }
        expectMismatch { request in
            let last = request.fields.count - 1
            let signature = request.fields[last].value
            request.fields[last].value = signature.dropLast() + (signature.hasSuffix("0") ? "1" : "0")
        }
    }

    @Test func refusesAnotherSecret() throws {
        let signer = RequestSigner(accessKey: Vectors.accessKey, secret: Secret("guess"), region: "us-east-1")
        let fields = try signer.sign(
            method: "GET", target: "/", fields: plain, payload: .unsigned, atSeconds: Vectors.seconds)
        #expect(throws: SignatureError.self) { try verify(RequestFacts(method: "GET", target: "/", fields: fields)) }
    }

    @Test func namesWhatIsWrongWithTheKeyTheScopeAndTheClock() throws {
        let stranger = RequestSigner(accessKey: "nobody", secret: Vectors.secret, region: "us-east-1")
        let strange = try stranger.sign(
            method: "GET", target: "/", fields: plain, payload: .unsigned, atSeconds: Vectors.seconds)
        #expect(throws: SignatureError.unknownAccessKey("nobody")) {
            try verify(RequestFacts(method: "GET", target: "/", fields: strange))
        }
        let abroad = RequestSigner(accessKey: Vectors.accessKey, secret: Vectors.secret, region: "eu-west-1")
        let foreign = try abroad.sign(
            method: "GET", target: "/", fields: plain, payload: .unsigned, atSeconds: Vectors.seconds)
        #expect(throws: SignatureError.wrongRegion(given: "eu-west-1", expected: "us-east-1", isPresigned: false)) {
            try verify(RequestFacts(method: "GET", target: "/", fields: foreign))
        }
        let late = try signed()
        _ = try verify(late, at: Vectors.seconds + 900)
        _ = try verify(late, at: Vectors.seconds - 900)
        for now in [Vectors.seconds + 901, Vectors.seconds - 901] {
            #expect(throws: SignatureError.skewed(requestSeconds: Vectors.seconds, serverSeconds: now)) {
                try verify(late, at: now)
            }
        }
    }

    @Test func requiresHostAndAmzHeadersToBeSigned() throws {
        var request = try signed()
        request.fields.append(("x-amz-acl", "private"))
        #expect(throws: SignatureError.unsignedHeaders(["x-amz-acl"])) { try verify(request) }

        let hostless = try Vectors.signer.presign(
            method: "GET", target: "/k", fields: [("range", "bytes=0-9")], expirySeconds: 60, atSeconds: Vectors.seconds
        )
        #expect(throws: SignatureError.unsignedHeaders(["host"])) {
            try verify(RequestFacts(method: "GET", target: hostless, fields: plain))
        }
    }

    @Test func refusesWhatIsNotSignedOrSignedTwice() throws {
        #expect(throws: SignatureError.unsigned) { try verify(RequestFacts(method: "GET", target: "/", fields: plain)) }
        var twice = try signed()
        twice.target = "/k?X-Amz-Signature=00"
        #expect(throws: SignatureError.ambiguous) { try verify(twice) }
        #expect(throws: SignatureError.unsupportedAlgorithm) {
            try verify(RequestFacts(method: "GET", target: "/", fields: plain + [("authorization", "AWS a:b")]))
        }
    }

    @Test(arguments: [
        "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 x",
        "AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request,SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;;a,Signature="
            + String(repeating: "0", count: 64),
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=zz",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request,Credential=A/20130524/us-east-1/s3/aws4_request",
    ])
    func refusesMalformedAuthorization(header: String) {
        let request = RequestFacts(method: "GET", target: "/", fields: plain + [("authorization", header)])
        do {
            _ = try verify(request)
            Issue.record("accepted")
        } catch SignatureError.malformedHeader {
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func refusesMalformedPresignedParameters() throws {
        let target = try Vectors.signer.presign(
            method: "GET", target: "/k", fields: plain, expirySeconds: 60, atSeconds: Vectors.seconds)
        for (from, to) in [
            ("X-Amz-Expires=60", "X-Amz-Expires=604801"), ("X-Amz-Expires=60", "X-Amz-Expires=-1"),
            ("X-Amz-Expires=60", "X-Amz-Expires=x"),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS"),
            ("X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524"),
            ("X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130525T000000Z"),
            ("X-Amz-SignedHeaders=host%3Brange", "X-Amz-SignedHeaders="),
            ("X-Amz-Credential=", "X-Amz-Credential=a"), ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"),
        ] {
            let changed = target.replacing(from, with: to)
            try #require(changed != target)
            do {
                _ = try verify(RequestFacts(method: "GET", target: changed, fields: plain))
                Issue.record("accepted \(to)")
            } catch SignatureError.malformedQuery {
            } catch SignatureError.unknownAccessKey {
            } catch {
                Issue.record("\(to): \(error)")
            }
        }
        #expect(throws: SignatureError.malformedTarget) {
            try verify(RequestFacts(method: "GET", target: target.replacing("/k?", with: "/%zz?"), fields: plain))
        }
    }

    /// Source: "Authenticating requests: using query parameters", Amazon S3 API Reference.
    @Test(arguments: [
        ("0", "X-Amz-Expires must be from 1 to 604800 seconds"),
        ("000", "X-Amz-Expires must be from 1 to 604800 seconds"),
        ("%2B5", "X-Amz-Expires should be a number"), ("5.0", "X-Amz-Expires should be a number"),
        ("%205", "X-Amz-Expires should be a number"), ("1e3", "X-Amz-Expires should be a number"),
        ("-", "X-Amz-Expires should be a number"), ("-5", "X-Amz-Expires must be non-negative"),
        ("-0", "X-Amz-Expires must be non-negative"),
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        ),
        (
            "99999999999999999999",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        ),
    ])
    func presignedURLsAreGoodForASecondToAWeek(expiry: String, reason: String) throws {
        let presigned = try Vectors.signer.presign(
            method: "GET", target: "/k", fields: plain, expirySeconds: 60, atSeconds: Vectors.seconds)
        let target = presigned.replacing("X-Amz-Expires=60", with: "X-Amz-Expires=" + expiry)
        #expect(throws: SignatureError.malformedQuery(reason: reason)) {
            try verify(RequestFacts(method: "GET", target: target, fields: plain))
        }
    }

    @Test func theLongestAndTheShortestPresignedURLHold() throws {
        for seconds: Int64 in [1, 604_800] {
            let target = try Vectors.signer.presign(
                method: "GET", target: "/k", fields: plain, expirySeconds: seconds, atSeconds: Vectors.seconds)
            #expect(throws: Never.self) { try verify(RequestFacts(method: "GET", target: target, fields: plain)) }
        }
    }

    @Test func requiresAPayloadHashAndADate() throws {
        var request = try signed()
        request.fields.removeAll { $0.name == "x-amz-content-sha256" }
        #expect(throws: SignatureError.missingPayloadHash) { try verify(request) }
        request.fields.append(("x-amz-content-sha256", "abc"))
        #expect(throws: SignatureError.malformedPayloadHash) { try verify(request) }
        var dateless = try signed()
        dateless.fields.removeAll { $0.name == "x-amz-date" }
        #expect(throws: SignatureError.missingDate) { try verify(dateless) }
    }
}

@Suite(.timeLimit(.minutes(3))) struct SigningTimeTests {
    @Test func readsAndWritesTheSameMoment() throws {
        #expect(SigningTime(seconds: Vectors.seconds).description == "20130524T000000Z")
        for seconds: Int64 in [0, 951_782_400, 1_709_164_799, 1_709_164_800, 4_102_444_799, 253_402_300_799] {
            #expect(SigningTime(SigningTime(seconds: seconds).description)?.seconds == seconds)
        }
    }

    @Test(arguments: [
        "", "20130524", "20130524T000000", "20130524T000000z", "20130230T000000Z", "20131301T000000Z",
        "20130524T240000Z", "2013052xT000000Z",
    ])
    func refusesWhatIsNoMoment(text: String) { #expect(SigningTime(text) == nil) }
}
