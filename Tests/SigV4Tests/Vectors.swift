import Foundation
import S3Types
import SigV4

/// The published examples in Data/Vectors/SigV4.
enum Vectors {
    static let accessKey = "AKIAIOSFODNN7EXAMPLE"
    static let secret = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    static let seconds: Int64 = 1_369_353_600
    static let signer = RequestSigner(accessKey: accessKey, secret: secret, region: "us-east-1")

    struct Request: Decodable {
        var name: String?
        var method: String
        var target: String
        var fields: [[String]]
        var signature: String
        var expires: Int64?
        var chunkSizes: [Int]?
        var chunkSignatures: [String]?
        var trailers: [[String]]?
        var trailerSignature: String?

        var pairs: [(name: String, value: String)] { fields.map { ($0[0], $0[1]) } }

        /// With the Authorization header of the example.
        var signedFields: [(name: String, value: String)] {
            let names = fields.map { $0[0] }.sorted().joined(separator: ";")
            let scope = "\(Vectors.accessKey)/20130524/us-east-1/s3/aws4_request"
            return pairs + [
                ("authorization", "AWS4-HMAC-SHA256 Credential=\(scope),SignedHeaders=\(names),Signature=\(signature)")
            ]
        }
    }

    static func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appendingPathComponent("Data/Vectors/SigV4/\(name).json"))
        return try JSONDecoder().decode(type, from: data)
    }

    static func verifier(atSeconds now: Int64 = seconds) -> SignatureVerifier {
        SignatureVerifier(region: "us-east-1", secret: { $0 == accessKey ? secret : nil }, now: { now })
    }
}
