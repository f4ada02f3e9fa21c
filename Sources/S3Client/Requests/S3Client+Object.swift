import Digests
import NIOCore
import NIOHTTP1
import Names
package import S3Types

extension S3Client {
    /// Bytes of one ranged request: what aws-cli and boto3 upload as one part.
    private static let rangeBytes: UInt64 = 8 << 20
    private static let parallelRanges = 4
    private static let requestTimeout = TimeAmount.seconds(120)

    /// Reads a whole object: one request when it is small, ranged ones side by side under If-Match when it is large.
    ///
    /// - Parameters:
    ///   - etag: the state that is wanted; nil for whatever is there, which is then held on to.
    ///   - limitBytes: larger objects are refused before they are read.
    /// - Throws: ``S3ClientError``; `changed` when the object is in another state than `etag`.
    package func getObject(
        _ key: ObjectKey, ifMatch etag: ETag? = nil, limitBytes: UInt64
    ) async throws(S3ClientError) -> FetchedObject {
        let first = try await retrying { () async throws(S3ClientError) -> Piece in
            try await piece(of: key, 0..<Self.rangeBytes, ifMatch: etag, limitBytes: limitBytes)
        }
        var bytes = first.bytes
        if first.totalBytes > UInt64(bytes.count) {
            let rest = try await ranges(of: key, from: UInt64(bytes.count), to: first.totalBytes, ifMatch: first.etag)
            bytes.reserveCapacity(Int(first.totalBytes))
            for range in rest { bytes += range }
        }
        try await verify(bytes, first)
        return FetchedObject(key: key, bytes: bytes, etag: first.etag, versionID: first.versionID)
    }

    /// One range of an object, and what its answer says of the whole.
    private struct Piece: Sendable {
        let key: ObjectKey
        let bytes: [UInt8]
        let totalBytes: UInt64
        let etag: ETag
        let versionID: VersionID?
        let isEncryptedElsewhere: Bool
    }

    private func piece(
        of key: ObjectKey, _ range: Range<UInt64>, ifMatch etag: ETag?, limitBytes: UInt64
    ) async throws(S3ClientError) -> Piece {
        var fields = [(name: "range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")]
        if let etag { fields.append(("if-match", etag.quoted)) }
        let request = try request(.GET, key: key, fields: fields)
        let answer: Answer
        do throws(S3ClientError) {
            answer = try await send(request, key: key, deadline: .now() + Self.requestTimeout)
        } catch {
            // An empty object has no range to give.
            guard range.lowerBound == 0, case .service(416, _, _) = error else { throw error }
            let whole = try self.request(.GET, key: key, fields: Array(fields.dropFirst()))
            answer = try await send(whole, key: key, deadline: .now() + Self.requestTimeout)
        }
        guard let text = answer.headers.first(name: "etag"), let tag = try? ETag(text) else {
            throw .malformedAnswer(reason: "no ETag")
        }
        // What ignores If-Match must not mix two states of an object.
        if let etag, tag != etag { throw .changed(key) }
        let total = try Self.totalBytes(answer, for: range)
        guard total <= limitBytes else { throw .tooLarge(sizeBytes: total, limitBytes: limitBytes) }
        let expected = answer.status == 206 ? min(range.upperBound, total) - min(range.lowerBound, total) : total
        let bytes = try await collect(answer, limitBytes: expected)
        guard UInt64(bytes.count) == expected else {
            throw .damaged(reason: "\(bytes.count) bytes came of \(expected)")
        }
        return Piece(
            key: key, bytes: bytes, totalBytes: total, etag: tag,
            versionID: answer.headers.first(name: "x-amz-version-id").flatMap {
                $0 == "null" ? nil : try? VersionID($0)
            },
            isEncryptedElsewhere: Self.isEncryptedElsewhere(answer.headers))
    }

    /// The object's size: behind the slash of `Content-Range`, or the whole answer's length.
    private static func totalBytes(_ answer: Answer, for range: Range<UInt64>) throws(S3ClientError) -> UInt64 {
        guard answer.status == 206 else {
            guard range.lowerBound == 0,
                let total = answer.headers.first(name: "content-length").flatMap({ UInt64(digits: $0) })
            else { throw .malformedAnswer(reason: "not the range that was asked for") }
            return total
        }
        // `bytes 0-99/200`
        let parts = (answer.headers.first(name: "content-range") ?? "").utf8
            .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "/") }.map {
                Substring($0)
            }
        guard parts.count == 4, parts[0].hasSameBytes(as: "bytes"), let first = UInt64(digits: parts[1]),
            let last = UInt64(digits: parts[2]), let total = UInt64(digits: parts[3]), first == range.lowerBound,
            last < total,
            last == min(range.upperBound, total) - 1
        else { throw .malformedAnswer(reason: "not the range that was asked for") }
        return total
    }

    /// With a key of a service or of the client the ETag is no MD5 of the bytes.
    private static func isEncryptedElsewhere(_ headers: HTTPHeaders) -> Bool {
        headers.first(name: "x-amz-server-side-encryption").map { $0 != "AES256" } ?? false
            || headers.contains(name: "x-amz-server-side-encryption-customer-algorithm")
    }

    private func ranges(
        of key: ObjectKey, from start: UInt64, to end: UInt64, ifMatch etag: ETag
    ) async throws(S3ClientError) -> [[UInt8]] {
        let starts = Array(stride(from: start, to: end, by: Int(Self.rangeBytes)))
        let result = await withTaskGroup(
            of: (Int, Result<[UInt8], S3ClientError>).self, returning: Result<[[UInt8]], S3ClientError>.self
        ) { group in
            var ranges = [[UInt8]](repeating: [], count: starts.count)
            var next = 0
            func addNext() {
                guard next < starts.count else { return }
                let index = next
                next += 1
                group.addTask {
                    let range = starts[index]..<min(starts[index] + Self.rangeBytes, end)
                    do throws(S3ClientError) {
                        let piece = try await retrying { () async throws(S3ClientError) -> Piece in
                            try await self.piece(of: key, range, ifMatch: etag, limitBytes: end)
                        }
                        guard piece.totalBytes == end, UInt64(piece.bytes.count) == range.upperBound - range.lowerBound
                        else {
                            throw S3ClientError.damaged(reason: "a range came with another size")
                        }
                        return (index, .success(piece.bytes))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<Self.parallelRanges { addNext() }
            for await (index, range) in group {
                switch range {
                case .success(let bytes): ranges[index] = bytes
                case .failure(let error):
                    group.cancelAll()
                    return .failure(error)
                }
                addNext()
            }
            return .success(ranges)
        }
        return try result.get()
    }

    // MARK: Checking

    /// Compares the bytes with the ETag where it is their MD5, else with the checksum of the whole object where the store has
    /// one.
    private func verify(_ bytes: [UInt8], _ first: Piece) async throws(S3ClientError) {
        let isDigest = first.etag.text.utf8.count == 32 && S3Types.bytes(hexadecimal: first.etag.text) != nil
        if isDigest, !first.isEncryptedElsewhere {
            // text: hexadecimal and an ETag are ASCII
            guard hexadecimal(Digest.md5(bytes)) == first.etag.text.asciiLowercased() else {
                throw .damaged(reason: "the MD5 is not the ETag")
            }
            return
        }
        let head = try await retrying { () async throws(S3ClientError) -> HTTPHeaders in
            let fields = [
                (name: "x-amz-checksum-mode", value: "ENABLED"), (name: "if-match", value: first.etag.quoted),
            ]
            let request = try request(.HEAD, key: first.key, fields: fields)
            return try await send(request, key: first.key, deadline: .now() + Self.requestTimeout).headers
        }
        guard head.first(name: "x-amz-checksum-type") == ChecksumType.fullObject.rawValue else { return }
        for algorithm in ChecksumAlgorithm.allCases {
            guard let text = head.first(name: algorithm.headerName) else { continue }
            // text: the digest was computed; what is equal to its text stands for it
            guard base64(unsafe Digest.value(algorithm.digest, of: bytes.span.bytes)) == text else {
                throw .damaged(reason: "the \(algorithm.rawValue) is not the one that the store has")
            }
        }
    }
}

extension ChecksumAlgorithm {
    var digest: DigestAlgorithm {
        switch self {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: .crc64nvme
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }
}
