import S3Types
import SigV4
import Testing

/// Who signs, what is signed and by which algorithm is told by bytes.
@Suite(.timeLimit(.minutes(3))) struct TextTests {
    private let fields: [(name: String, value: String)] = [("host", "models.localhost"), ("x-amz-meta-k", "1")]

    private func signed(_ change: (String) -> String) throws -> RequestFacts {
        let signed = try Vectors.signer.sign(
            method: "GET", target: "/k", fields: fields, payload: .unsigned, atSeconds: Vectors.seconds)
        return RequestFacts(
            method: "GET", target: "/k",
            fields: signed.map { ($0.name, $0.name == "authorization" ? change($0.value) : $0.value) })
    }

    private func verify(_ request: RequestFacts) throws(SignatureError) {
        _ = try Vectors.verifier().verify(request)
    }

    @Test func aSignedHeaderIsNotNamedByATwin() throws {
        #expect(throws: Never.self) { try verify(signed { $0 }) }
        // Lowered as text, both would be x-amz-meta-k.
        for twin in ["x-amz-meta-\u{212A}", "X-AMZ-META-\u{212A}"] {
            let request = try signed { $0.replacing("x-amz-meta-k", with: twin) }
            #expect(throws: SignatureError.unsignedHeaders(["x-amz-meta-k"])) { try verify(request) }
        }
        #expect(throws: SignatureError.self) { try verify(signed { $0.replacing("host;", with: "host\u{37E}") }) }
    }

    @Test func theHeaderIsTakenApartByBytes() throws {
        for (part, twin) in [("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256\u{301} "), ("Signature=", "Signature\u{301}=")] {
            #expect(throws: SignatureError.self) { try verify(signed { $0.replacing(part, with: twin) }) }
        }
        #expect(throws: SignatureError.self) { _ = try verify(signed { $0.replacing("AWS4", with: "AWS4\u{301}") }) }
    }

    @Test func scopesAreTwoWhereTheirBytesDiffer() {
        func scope(_ key: String) -> CredentialScope {
            CredentialScope(accessKey: key, day: "20130524", region: "us-east-1", service: "s3")
        }
        #expect(scope("K") != scope("\u{212A}") && Set([scope("K"), scope("\u{212A}"), scope("K")]).count == 2)
    }
}
