import Digests
import Names
import ObjectEngine
import S3Types
import S3Wire
import SigV4

/// What a request says of its body: every digest that must come out, in headers now or in a trailer later.
struct DeclaredDigests {
    /// 16 bytes.
    private(set) var md5: [UInt8]?
    /// 32 bytes, from `x-amz-content-sha256`.
    private(set) var payloadSHA256: [UInt8]?
    /// The one algorithm in use.
    private(set) var algorithm: ChecksumAlgorithm?
    /// Its value, where a header gave it.
    private(set) var checksum: Checksum?
    /// The names that `x-amz-trailer` announces, in lower case.
    private(set) var trailers: Set<Name> = []

    private static let notChecksums: Set<Name> = [
        "x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-checksum-algorithm",
    ]

    /// - Parameter ignoresChecksums: whether `x-amz-checksum-` headers speak of something else than this body.
    /// - Throws: InvalidDigest, InvalidRequest; NotImplemented for an algorithm that this store cannot verify.
    init(_ request: S3Request, ignoresChecksums: Bool = false) throws(S3Error) {
        if let text = request.first("content-md5") {
            guard let bytes = S3Types.bytes(base64: text), bytes.count == 16 else {
                throw S3Error(.invalidDigest, details: [("Content-MD5", text)])
            }
            self.md5 = bytes
        }
        if case .digest(let bytes) = request.signature.payload { self.payloadSHA256 = bytes }
        for field in ignoresChecksums ? [] : request.fields {
            guard field.name.hasBytePrefix("x-amz-checksum-"), !Self.notChecksums.contains(Name(field.name)) else {
                continue
            }
            let algorithm = try Self.algorithm(header: field.name)
            try choose(algorithm)
            do { self.checksum = try Checksum(algorithm, text: field.value) } catch { throw S3Error(error) }
        }
        for item in (request.first("x-amz-trailer") ?? "").pieces(at: ",") where !item.isEmpty {
            let name = item.strippingBlanks().asciiLowercased()
            try choose(try Self.algorithm(header: name))
            trailers.insert(Name(name))
        }
        guard trailers.isEmpty || request.signature.payload.isChunked else {
            throw S3Error(.invalidRequest, "The x-amz-trailer header needs a body in chunks")
        }
        for name in ignoresChecksums ? [] : ["x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm"] {
            guard let text = request.first(name), !text.isEmpty else { continue }
            guard let named = ChecksumAlgorithm(rawValue: text.asciiUppercased()) else {
                // The SDKs' word for Content-MD5, which stands in a header of its own.
                guard text.asciiUppercased().hasSameBytes(as: "MD5"), md5 != nil else {
                    throw .notServed(.header, name, value: text)
                }
                continue
            }
            guard algorithm == nil || algorithm == named else {
                throw S3Error(.invalidRequest, "Value for \(name) header is invalid.")
            }
        }
    }

    /// What must be computed while the body passes, beside MD5 for the ETag; CRC64NVME is computed by the engine.
    var algorithms: Set<DigestAlgorithm> {
        var algorithms: Set<DigestAlgorithm> = []
        if payloadSHA256 != nil { algorithms.insert(.sha256) }
        if let algorithm, let digest = algorithm.digest { algorithms.insert(digest) }
        return algorithms
    }

    /// Takes the value that the trailer gave.
    mutating func take(trailers fields: [(name: String, value: String)]) throws(S3Error) {
        for field in fields {
            let algorithm = try Self.algorithm(header: field.name)
            do { self.checksum = try Checksum(algorithm, text: field.value) } catch { throw S3Error(error) }
        }
    }

    /// - Throws: BadDigest, XAmzContentSHA256Mismatch.
    func verify(_ values: [DigestAlgorithm: [UInt8]], crc64nvme: Checksum) throws(S3Error) {
        if let md5, let computed = values[.md5], md5 != computed {
            throw S3Error(
                .badDigest,
                details: [("ExpectedDigest", base64(md5)), ("CalculatedDigest", base64(computed))])
        }
        if let payloadSHA256, let computed = values[.sha256], payloadSHA256 != computed {
            throw S3Error(
                .contentSHA256Mismatch,
                details: [
                    ("ClientComputedContentSHA256", hexadecimal(payloadSHA256)),
                    ("S3ComputedContentSHA256", hexadecimal(computed)),
                ])
        }
        if let checksum {
            let computed = checksum.algorithm.digest.flatMap { values[$0] } ?? crc64nvme.bytes
            guard checksum.bytes == computed else {
                throw S3Error(
                    .badDigest,
                    "The \(checksum.algorithm.rawValue) you specified did not match the calculated checksum.")
            }
        }
    }

    private mutating func choose(_ algorithm: ChecksumAlgorithm) throws(S3Error) {
        guard self.algorithm == nil else {
            throw S3Error(
                .invalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        }
        self.algorithm = algorithm
    }

    private static func algorithm(header name: String) throws(S3Error) -> ChecksumAlgorithm {
        guard let algorithm = ChecksumAlgorithm.allCases.first(where: { Name($0.headerName) == Name(name) }) else {
            throw .notServed(.header, name)
        }
        return algorithm
    }
}

extension ChecksumAlgorithm {
    /// The digest to compute for it; nil for the one that the engine computes over every body.
    var digest: DigestAlgorithm? {
        switch self {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: nil
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }
}
