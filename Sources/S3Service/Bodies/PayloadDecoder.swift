import NIOCore
import Names
import S3Types
import S3Wire
import SigV4

/// Finds the content in a request's body, whatever form it came in, and counts it.
struct PayloadDecoder {
    private var chunks: ChunkedBodyDecoder?
    /// How many bytes of content there must be; nil where the client did not say.
    let sizeBytes: UInt64?
    private var receivedBytes: UInt64 = 0

    /// - Throws: MissingContentLength for a body in chunks without its decoded length; InvalidArgument when that is no number.
    init(_ request: S3Request, announcedTrailers: Set<Name>) throws(S3Error) {
        guard request.signature.payload.isChunked else {
            self.sizeBytes = request.contentLength
            self.chunks = nil
            return
        }
        guard let text = request.first("x-amz-decoded-content-length") else { throw S3Error(.missingContentLength) }
        guard let length = UInt64(digits: text) else {
            throw S3Error(
                .invalidArgument, details: [("ArgumentName", "x-amz-decoded-content-length"), ("ArgumentValue", text)])
        }
        self.sizeBytes = length
        self.chunks = ChunkedBodyDecoder(
            continuing: request.signature, declaredBytes: length, announcedTrailers: announcedTrailers)
    }

    /// The ranges of `bytes`, the next of the body, that are content.
    mutating func content(of bytes: RawSpan) throws(S3Error) -> [Range<Int>] {
        guard chunks != nil else {
            receivedBytes += UInt64(bytes.byteCount)
            return [0..<bytes.byteCount]
        }
        do { return try chunks?.decode(bytes) ?? [] } catch { throw S3Error(error) }
    }

    /// Says that the body has ended.
    ///
    /// - Returns: the fields of the trailer.
    /// - Throws: IncompleteBody, and what is wrong with the last chunk or the trailer.
    mutating func finish() throws(S3Error) -> [(name: String, value: String)] {
        guard chunks != nil else {
            if let sizeBytes, receivedBytes != sizeBytes {
                throw S3Error(
                    .incompleteBody,
                    details: [
                        ("NumberBytesExpected", String(sizeBytes)), ("NumberBytesProvided", String(receivedBytes)),
                    ])
            }
            return []
        }
        do { try chunks?.finish() } catch { throw S3Error(error) }
        return chunks?.trailers ?? []
    }
}
