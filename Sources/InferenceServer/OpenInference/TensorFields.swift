import HTTPKernel
import Names
import S3Types

/// The fields that tell how an inference request's body is to be read, found in one pass over the head.
struct TensorFields {
    private var headerLength: String?
    private var encoding: String?
    private var patience = Patience.unlimited

    init(_ head: RequestHead) {
        head.forEachField { name, value in
            switch name.byteCount {
            case 16 where ASCII.equalsIgnoringCase(name, lowercase: "content-encoding"):
                encoding = Self.text(value)
            case 23 where ASCII.equalsIgnoringCase(name, lowercase: "x-lodestore-deadline-ms"):
                patience = Patience(milliseconds: value)
            case 31 where ASCII.equalsIgnoringCase(name, lowercase: "inference-header-content-length"):
                headerLength = Self.text(value)
            default: break
            }
        }
    }

    /// `Inference-Header-Content-Length`; nil when the body is JSON and nothing else.
    func jsonByteCount() throws(OpenInferenceRefusal) -> Int? {
        if let encoding, !encoding.isEmpty, encoding.asciiLowercased() != "identity" {
            throw OpenInferenceRefusal(
                .unsupportedEncoding, "Content-Encoding: \(encoding.prefix(40)) is not read; send the body as it is")
        }
        guard let headerLength else { return nil }
        guard let count = Int(digits: headerLength) else {
            throw OpenInferenceRefusal(
                .invalid, "Inference-Header-Content-Length: \"\(headerLength.prefix(40))\" is no number of bytes")
        }
        return count
    }

    /// `x-lodestore-deadline-ms`.
    ///
    /// - Parameter began: when the request was here.
    func deadline(from began: UInt64) throws(OpenInferenceRefusal) -> Deadline {
        guard let deadline = patience.deadline(from: began) else {
            throw OpenInferenceRefusal(.field, RequestFields.malformedPatience)
        }
        return deadline
    }

    private static func text(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
