import Digests
package import S3Types

/// A part as the client lists it at completion.
package struct CompletedPart: Hashable, Sendable {
    package var number: PartNumber
    package var etag: ETag
    package var checksums: [Checksum]

    package init(number: PartNumber, etag: ETag, checksums: [Checksum] = []) {
        self.number = number
        self.etag = etag
        self.checksums = checksums
    }
}

/// The object that a list of parts makes: its size, tag, checksums and extents. Worked out on the request's thread, so
/// that the writer only has to see that no part has changed since.
struct CompletionPlan: Sendable {
    /// The sequence of the upload's last change when the parts were read.
    let changeSequence: UInt64
    let sizeBytes: UInt64
    let etag: ETag
    let crc64nvme: UInt64
    let checksums: [Checksum]
    let parts: [PartSize]
    let extents: [Extent]

    /// - Parameters:
    ///   - listed: what the client wants, in its order.
    ///   - stored: the parts there are.
    ///   - changeSequence: read before the parts were.
    ///   - declared: whole-object checksums that must come out.
    /// - Throws: what is wrong with the list, in the order S3 looks: order, existence, size, digests.
    static func make(
        _ listed: [CompletedPart], from stored: [PartRecord], of upload: UploadRecord, changeSequence: UInt64,
        declared: [Checksum], expectedSizeBytes: UInt64?, minimumPartBytes: UInt64
    ) throws(EngineError) -> CompletionPlan {
        let chosen = try chosen(listed, from: stored)
        for part in chosen.dropLast() where part.sizeBytes < minimumPartBytes {
            throw .partTooSmall(part.number, sizeBytes: part.sizeBytes)
        }
        let size = chosen.reduce(0) { $0 + $1.sizeBytes }
        if let expectedSizeBytes, expectedSizeBytes != size {
            throw .sizeMismatch(declared: expectedSizeBytes, actual: size)
        }
        let crc = chosen.reduce(CRC.crc64nvme.empty) { sum, part in
            CRC.crc64nvme.combine(sum, part.crc64nvme, secondByteCount: part.sizeBytes)
        }
        var checksums: [Checksum] = []
        if let algorithm = upload.checksumAlgorithm {
            let type = upload.checksumType ?? algorithm.usualType
            checksums = [try checksum(algorithm, type, of: chosen, crc64nvme: crc)]
        }
        let own = Checksum(.crc64nvme, bytes: CRC.crc64nvme.bytes(of: crc))
        for checksum in declared where !checksums.contains(checksum) && checksum != own {
            throw .checksumMismatch(checksum.algorithm)
        }
        return CompletionPlan(
            changeSequence: changeSequence, sizeBytes: size, etag: try etag(of: chosen), crc64nvme: crc,
            checksums: checksums, parts: chosen.map { PartSize(number: $0.number.value, sizeBytes: $0.sizeBytes) },
            extents: chosen.flatMap(\.extents))
    }

    private static func chosen(
        _ listed: [CompletedPart], from stored: [PartRecord]
    ) throws(EngineError) -> [PartRecord] {
        guard !listed.isEmpty else { throw .invalidPartOrder }
        for (part, next) in zip(listed, listed.dropFirst()) where part.number >= next.number { throw .invalidPartOrder }
        let byNumber = Dictionary(uniqueKeysWithValues: stored.map { ($0.number, $0) })
        var chosen: [PartRecord] = []
        for part in listed {
            guard let record = byNumber[part.number], record.etag == part.etag else { throw .invalidPart(part.number) }
            let own = Checksum(.crc64nvme, bytes: CRC.crc64nvme.bytes(of: record.crc64nvme))
            for checksum in part.checksums where !record.checksums.contains(checksum) && checksum != own {
                throw .invalidPart(part.number)
            }
            chosen.append(record)
        }
        return chosen
    }

    /// The MD5 of the parts' MD5s.
    private static func etag(of parts: [PartRecord]) throws(EngineError) -> ETag {
        var digests: [UInt8] = []
        for part in parts {
            guard let digest = bytes(hexadecimal: part.etag.text), digest.count == 16 else {
                throw .invalidPart(part.number)
            }
            digests += digest
        }
        return ETag(md5OfPartDigests: Digest.md5(digests), partCount: parts.count)
    }

    private static func checksum(
        _ algorithm: ChecksumAlgorithm, _ type: ChecksumType, of parts: [PartRecord], crc64nvme: UInt64
    ) throws(EngineError) -> Checksum {
        if algorithm == .crc64nvme { return Checksum(.crc64nvme, bytes: CRC.crc64nvme.bytes(of: crc64nvme)) }
        var digests: [[UInt8]] = []
        for part in parts {
            guard let checksum = part.checksums.first(where: { $0.algorithm == algorithm }) else {
                throw .invalidPart(part.number)
            }
            digests.append(checksum.bytes)
        }
        switch type {
        case .composite:
            let joined = digests.flatMap { $0 }
            let digest = unsafe Digest.value(algorithm.digest, of: joined.span.bytes)
            return Checksum(composite: algorithm, bytes: digest, partCount: parts.count)
        case .fullObject:
            guard let crc = algorithm.crc else { throw .checksumMismatch(algorithm) }
            var sum = crc.empty
            for (part, digest) in zip(parts, digests) {
                guard let value = crc.value(of: digest) else { throw .invalidPart(part.number) }
                sum = crc.combine(sum, value, secondByteCount: part.sizeBytes)
            }
            return Checksum(algorithm, bytes: crc.bytes(of: sum))
        }
    }
}

extension ChecksumAlgorithm {
    /// What S3 makes of an algorithm when the client names no type.
    fileprivate var usualType: ChecksumType { self == .crc64nvme ? .fullObject : .composite }

    fileprivate var digest: DigestAlgorithm {
        switch self {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: .crc64nvme
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }

    fileprivate var crc: CRC? {
        switch self {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: .crc64nvme
        case .sha1, .sha256: nil
        }
    }
}
