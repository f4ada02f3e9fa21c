import S3Types
import S3Wire

/// Where a listing goes on, as an opaque text.
struct ContinuationToken {
    let next: String

    var text: String { base64(Array("1\(next)".utf8)) }

    init(next: String) { self.next = next }

    /// - Throws: InvalidArgument when this store did not make it.
    init(_ text: String) throws(S3Error) {
        guard let bytes = S3Types.bytes(base64: text), bytes.first == UInt8(ascii: "1"),
            let next = String(validating: bytes.dropFirst(), as: UTF8.self)
        else {
            throw S3Error(
                .invalidArgument, "The continuation token provided is incorrect",
                details: [("ArgumentName", "continuation-token")])
        }
        self.next = next
    }
}
