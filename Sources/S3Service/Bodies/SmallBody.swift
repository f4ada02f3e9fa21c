import Digests
import HTTPKernel
import NIOCore
import S3Types
import S3Wire

extension S3Request {
    /// The whole of a small body, such as a document, after every declared digest came out.
    ///
    /// - Parameters:
    ///   - limitBytes: more is MaxMessageLengthExceeded.
    ///   - requiresDigest: whether the client must have declared one.
    ///   - checksumsAreOfObject: whether checksum headers speak of an object and not of this body.
    func smallBody(
        limitBytes: Int, requiresDigest: Bool = false, checksumsAreOfObject: Bool = false
    ) async throws(S3Error) -> [UInt8] {
        var declared = try DeclaredDigests(self, ignoresChecksums: checksumsAreOfObject)
        guard !requiresDigest || declared.md5 != nil || declared.algorithm != nil else {
            throw S3Error(.invalidRequest, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        }
        var payload = try PayloadDecoder(self, announcedTrailers: declared.trailers)
        var body: [UInt8] = []
        let share = MemoryShare(shares?.memory)
        while let buffer = try await nextBuffer() {
            guard share.resize(to: body.count + buffer.readableBytes, for: .need) else { throw S3Error(.slowDown) }
            for range in try payload.content(of: buffer.readableBytesSpan) {
                body += buffer.readableBytesView.dropFirst(range.lowerBound).prefix(range.count)
            }
            guard body.count <= limitBytes else {
                throw S3Error(.maxMessageLengthExceeded, details: [("MaxMessageLengthBytes", String(limitBytes))])
            }
        }
        try declared.take(trailers: try payload.finish())
        let digests = DigestSet(declared.algorithms.union([.md5]))
        digests.update(body)
        let crc = CRC.crc64nvme
        try declared.verify(
            digests.finalize(), crc64nvme: Checksum(.crc64nvme, bytes: crc.bytes(of: crc.checksum(body))))
        return body
    }

    /// The next bytes of the body as they came, nil at its end.
    func nextBuffer() async throws(S3Error) -> ByteBuffer? {
        do { return try await body.next() } catch { throw S3Error(error) }
    }
}
