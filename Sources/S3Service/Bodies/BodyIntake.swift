import Digests
import HTTPKernel
import NIOCore
import Names
import ObjectEngine
import S3Types
import S3Wire

/// A body that arrived whole and came out as declared.
struct ReceivedBody {
    let blob: FinishedBlob
    let etag: ETag
    /// The declared checksum, or the one that the upload keeps; none when the client declared none.
    let checksums: [Checksum]
}

/// Takes a request's body off its framing, hashes it and hands it to the engine, buffer by buffer.
///
/// Runs on the engine's threads: hashing and the disk hold up no event loop. What is held meanwhile is charged to the server's account
/// of memory.
struct BodyIntake {
    /// Source: "Amazon S3 multipart upload limits", Amazon S3 User Guide: the largest single upload.
    static let limitBytes: UInt64 = 5 << 30

    private let request: S3Request
    private var declared: DeclaredDigests
    private var payload: PayloadDecoder
    private let sizeBytes: UInt64
    private let share: UploadShare
    private let digests: DigestSet
    /// The algorithm whose value is kept even when the client did not give it.
    private let keptAlgorithm: ChecksumAlgorithm?

    /// - Parameter keptAlgorithm: of a multipart upload: every part keeps its value.
    /// - Throws: MissingContentLength, EntityTooLarge, SlowDown, and what ``DeclaredDigests`` throws.
    init(_ request: S3Request, keeping keptAlgorithm: ChecksumAlgorithm? = nil) throws(S3Error) {
        self.request = request
        self.declared = try DeclaredDigests(request)
        self.keptAlgorithm = keptAlgorithm
        if let keptAlgorithm, let algorithm = declared.algorithm, algorithm != keptAlgorithm {
            throw S3Error(
                .invalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: \(keptAlgorithm.rawValue.asciiLowercased()), "
                    + "actual checksum Type: \(algorithm.rawValue.asciiLowercased())")
        }
        self.payload = try PayloadDecoder(request, announcedTrailers: declared.trailers)
        guard let sizeBytes = payload.sizeBytes else { throw S3Error(.missingContentLength) }
        self.sizeBytes = sizeBytes
        guard sizeBytes <= Self.limitBytes else {
            throw S3Error(
                .entityTooLarge,
                details: [("ProposedSize", String(sizeBytes)), ("MaxSizeAllowed", String(Self.limitBytes))])
        }
        self.share = try UploadShare(request.shares, sizeBytes: sizeBytes)
        if !share.readsAhead { request.body.readNothingAhead() }
        var algorithms = declared.algorithms
        algorithms.insert(.md5)
        if let digest = keptAlgorithm?.digest { algorithms.insert(digest) }
        self.digests = DigestSet(algorithms)
    }

    /// Receives all of it.
    ///
    /// - Throws: whatever is wrong with the body; nothing is left of it then.
    mutating func receive(_ purpose: BlobPurpose, by service: S3Service) async throws(S3Error) -> ReceivedBody {
        let writer = try service.asking { () throws(EngineError) in
            try service.engine.beginBlob(expectedSizeBytes: share.expectedSizeBytes, purpose: purpose)
        }
        while let buffer = try await request.nextBuffer() {
            let bytes = buffer.readableBytesSpan
            for range in try payload.content(of: bytes) {
                let content = bytes.extracting(range)
                try share.grow(to: writer.sizeBytes + UInt64(content.byteCount))
                digests.update(content)
                try service.asking { () throws(EngineError) in try writer.append(content) }
            }
        }
        try declared.take(trailers: try payload.finish())
        let blob = try service.asking { () throws(EngineError) in try writer.finish() }
        let values = digests.finalize()
        try declared.verify(values, crc64nvme: blob.crc64nvme)
        guard let md5 = values[.md5] else { preconditionFailure("the MD5 of every body is computed") }
        return ReceivedBody(blob: blob, etag: ETag(md5: md5), checksums: checksums(values, blob))
    }

    private func checksums(_ values: [DigestAlgorithm: [UInt8]], _ blob: FinishedBlob) -> [Checksum] {
        if let checksum = declared.checksum { return [checksum] }
        guard let keptAlgorithm else { return [] }
        guard let digest = keptAlgorithm.digest else { return [blob.crc64nvme] }
        return values[digest].map { [Checksum(keptAlgorithm, bytes: $0)] } ?? []
    }
}
