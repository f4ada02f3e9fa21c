import Names
import S3Types

/// What `x-amz-content-sha256` says of a body.
package enum PayloadForm: Hashable, Sendable {
    /// The body as it is; its digest is not signed.
    case unsigned
    /// The body as it is, with its SHA-256 (32 bytes) signed.
    case digest([UInt8])
    /// In chunks, each signed.
    case signedChunks
    /// In chunks, each signed, then a signed trailer.
    case signedChunksWithTrailer
    /// In chunks, not signed, then a trailer.
    case unsignedChunksWithTrailer

    /// Whether the body arrives in the framing that `Content-Encoding: aws-chunked` names.
    package var isChunked: Bool {
        switch self {
        case .unsigned, .digest: false
        case .signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer: true
        }
    }

    package var text: String {
        switch self {
        case .unsigned: "UNSIGNED-PAYLOAD"
        case .digest(let bytes): hexadecimal(bytes)
        case .signedChunks: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        case .signedChunksWithTrailer: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        case .unsignedChunksWithTrailer: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        }
    }

    /// Nil when the text is none of the forms.
    package init?(_ text: String) {
        for form in [Self.unsigned, .signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer]
        where Name(form.text) == Name(text) {
            self = form
            return
        }
        guard text.utf8.count == 64, let digest = bytes(hexadecimal: text) else { return nil }
        self = .digest(digest)
    }
}
