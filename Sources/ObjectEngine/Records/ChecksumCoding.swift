import S3Types

extension ChecksumAlgorithm {
    /// The number that stands for the algorithm in records; never reused.
    fileprivate var code: UInt8 {
        switch self {
        case .crc32: 1
        case .crc32c: 2
        case .crc64nvme: 3
        case .sha1: 4
        case .sha256: 5
        }
    }

    fileprivate init(code: UInt8) throws(RecordError) {
        switch code {
        case 1: self = .crc32
        case 2: self = .crc32c
        case 3: self = .crc64nvme
        case 4: self = .sha1
        case 5: self = .sha256
        default: throw .invalid(field: "checksum.algorithm")
        }
    }
}

extension ByteWriter {
    /// The algorithm, the number of parts behind a composite value (zero for a full-object one), the digest.
    mutating func checksums(_ checksums: [Checksum]) {
        count(checksums.count)
        for checksum in checksums {
            byte(checksum.algorithm.code)
            count(checksum.partCount ?? 0)
            raw(checksum.bytes)
        }
    }

    /// Zero for none.
    mutating func algorithm(_ algorithm: ChecksumAlgorithm?) { byte(algorithm?.code ?? 0) }

    /// 0 for none, 1 full object, 2 composite.
    mutating func checksumType(_ type: ChecksumType?) {
        switch type {
        case nil: byte(0)
        case .fullObject: byte(1)
        case .composite: byte(2)
        }
    }
}

extension ByteReader {
    mutating func checksums() throws(RecordError) -> [Checksum] {
        var checksums: [Checksum] = []
        for _ in 0..<(try count()) {
            let algorithm = try ChecksumAlgorithm(code: try byte())
            let partCount = try varint()
            guard partCount <= UInt64(PartNumber.limit) else { throw .invalid(field: "checksum.parts") }
            let digest = try raw(algorithm.byteCount)
            checksums.append(
                partCount == 0
                    ? Checksum(algorithm, bytes: digest)
                    : Checksum(composite: algorithm, bytes: digest, partCount: Int(partCount)))
        }
        return checksums
    }

    mutating func algorithm() throws(RecordError) -> ChecksumAlgorithm? {
        let code = try byte()
        return code == 0 ? nil : try ChecksumAlgorithm(code: code)
    }

    mutating func checksumType() throws(RecordError) -> ChecksumType? {
        switch try byte() {
        case 0: nil
        case 1: .fullObject
        case 2: .composite
        default: throw .invalid(field: "checksum.type")
        }
    }

    mutating func etag() throws(RecordError) -> ETag {
        let text = try text()
        do throws(ValueError) { return try ETag(text) } catch { throw .invalid(field: "etag") }
    }

    mutating func objectKey() throws(RecordError) -> ObjectKey {
        let text = try text()
        do throws(ValueError) { return try ObjectKey(text) } catch { throw .invalid(field: "key") }
    }
}
