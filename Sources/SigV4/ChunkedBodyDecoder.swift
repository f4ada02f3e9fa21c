import Digests
package import Names
import S3Types

/// Takes the framing of `aws-chunked` off a body as it arrives, and verifies every signature in it.
///
/// The state is bounded: one line of a chunk's header or trailer, and a running SHA-256 of the chunk. The bytes of a chunk are
/// passed on before its signature can be checked, so nothing made of them may become visible before ``finish()`` returned.
///
///     chunk   = hex-size [";chunk-signature=" 64 hex] CRLF bytes CRLF          the last one has size 0 and no bytes
///     trailer = *( name ":" value (LF / CRLF) [CRLF] ) ["x-amz-trailer-signature:" 64 hex CRLF] CRLF
///
/// Source: "Signature calculations for the Authorization header: transferring payload in multiple chunks", and the same
/// "including trailing headers", Amazon S3 API Reference.
package struct ChunkedBodyDecoder {
    /// What follows the size of a chunk is a name and a signature; nothing longer is a header.
    private static let headerLimitBytes = 256
    private static let trailerLimitBytes = 4096
    private static let smallestSignedChunkBytes: UInt64 = 8192

    private enum Step {
        case header
        case data(remaining: UInt64)
        case dataEnd
        case trailer
        case end
    }

    private let seed: ChunkSeed?
    private let declaredBytes: UInt64
    private let announcedTrailers: Set<Name>
    private let hasTrailer: Bool

    private var step = Step.header
    private var line: [UInt8] = []
    private var chunkHash: DigestSet?
    private var chunkSignature = ""
    private var chunkSizeBytes: UInt64 = 0
    private var previousSignature: String
    private var smallChunkBytes: UInt64?
    private var trailerBytes = 0
    private var signedTrailerText: [UInt8] = []
    private var hasTrailerSignature = false

    /// How many bytes have been passed on.
    package private(set) var decodedBytes: UInt64 = 0
    /// The trailer's fields, names in lower case, without the signature; complete after ``finish()``.
    package private(set) var trailers: [(name: String, value: String)] = []

    /// - Parameters:
    ///   - signature: of the request; its payload form must be one in chunks.
    ///   - declaredBytes: the value of `x-amz-decoded-content-length`.
    ///   - announcedTrailers: the names in `x-amz-trailer`, in lower case.
    package init(continuing signature: VerifiedSignature, declaredBytes: UInt64, announcedTrailers: Set<Name>) {
        guard signature.payload.isChunked, let seed = signature.seed else {
            preconditionFailure("only a body in chunks is decoded")
        }
        let isSigned = signature.payload != .unsignedChunksWithTrailer
        self.seed = isSigned ? seed : nil
        self.hasTrailer = signature.payload != .signedChunks
        self.previousSignature = seed.signature
        self.declaredBytes = declaredBytes
        self.announcedTrailers = announcedTrailers
    }

    /// Takes the next bytes off the wire.
    ///
    /// - Returns: the ranges of `input` that are content, in order.
    package mutating func decode(_ input: RawSpan) throws(ChunkedBodyError) -> [Range<Int>] {
        var content: [Range<Int>] = []
        var offset = 0
        while offset < input.byteCount {
            switch step {
            case .header:
                guard let header = try takeLine(input, &offset, limitBytes: Self.headerLimitBytes) else { break }
                try beginChunk(header)
            case .data(let remaining):
                let count = Int(min(remaining, UInt64(input.byteCount - offset)))
                let range = offset..<(offset + count)
                chunkHash?.update(input.extracting(range))
                content.append(range)
                offset += count
                decodedBytes += UInt64(count)
                step = remaining == UInt64(count) ? .dataEnd : .data(remaining: remaining - UInt64(count))
            case .dataEnd:
                guard let end = try takeLine(input, &offset, limitBytes: 2) else { break }
                guard end.isEmpty else { throw .malformed(reason: "a chunk is longer than its header says") }
                try endChunk()
                step = chunkSizeBytes == 0 ? .end : .header
            case .trailer:
                guard let field = try takeLine(input, &offset, limitBytes: Self.trailerLimitBytes) else { break }
                try takeTrailer(field)
            case .end:
                throw .malformed(reason: "bytes follow the end of the body")
            }
        }
        return content
    }

    /// Says that no more bytes will come.
    ///
    /// - Throws: when the body is not whole, or its trailer is not the one announced.
    package mutating func finish() throws(ChunkedBodyError) {
        let isWhole =
            switch step {
            case .end: true
            case .trailer: hasTrailerSignature && line.isEmpty  // some clients leave out the last blank line
            case .header, .data, .dataEnd: false
            }
        guard isWhole, decodedBytes == declaredBytes else {
            throw .wrongLength(declaredBytes: declaredBytes, decodedBytes: decodedBytes)
        }
        guard Set(trailers.map { Name($0.name) }) == announcedTrailers, trailers.count == announcedTrailers.count else {
            throw .malformedTrailer
        }
    }

    // MARK: Lines

    /// The next line without its end, once it is complete.
    private mutating func takeLine(
        _ input: RawSpan, _ offset: inout Int, limitBytes: Int
    ) throws(ChunkedBodyError) -> [UInt8]? {
        while offset < input.byteCount {
            let byte = unsafe input.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            if byte == UInt8(ascii: "\n") {
                // Only a trailer's line may end in LF alone: so some clients send what the specification has them sign.
                if line.last == UInt8(ascii: "\r") {
                    line.removeLast()
                } else if case .trailer = step {
                } else {
                    throw .malformed(reason: "a line of the framing does not end in CRLF")
                }
                defer { line.removeAll(keepingCapacity: true) }
                return line
            }
            guard line.count < limitBytes else { throw .malformed(reason: "a line of the framing is too long") }
            line.append(byte)
        }
        return nil
    }

    // MARK: Chunks

    private mutating func beginChunk(_ header: [UInt8]) throws(ChunkedBodyError) {
        let parts = header.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let size = Self.size(parts[0]) else { throw .malformed(reason: "a chunk's size does not parse") }
        if seed != nil {
            let prefix = Array("chunk-signature=".utf8)
            guard parts.count == 2, parts[1].starts(with: prefix), parts[1].count == prefix.count + 64 else {
                throw .malformed(reason: "a chunk has no signature")
            }
            chunkSignature = String(decoding: parts[1].dropFirst(prefix.count), as: UTF8.self).asciiLowercased()
            if let smallChunkBytes, size > 0 { throw .chunkTooSmall(sizeBytes: smallChunkBytes) }
            if size < Self.smallestSignedChunkBytes { smallChunkBytes = size }
            chunkHash = DigestSet([.sha256])
        }
        guard size <= declaredBytes - decodedBytes else {
            throw .wrongLength(
                declaredBytes: declaredBytes, decodedBytes: decodedBytes.addingReportingOverflow(size).partialValue)
        }
        chunkSizeBytes = size
        guard size == 0 else {
            step = .data(remaining: size)
            return
        }
        if hasTrailer {
            try endChunk()
            step = .trailer
        } else {
            step = .dataEnd
        }
    }

    /// Checks the signature of the chunk that has just ended.
    private mutating func endChunk() throws(ChunkedBodyError) {
        guard let seed, let sha256 = chunkHash.take()?.finalize()[.sha256] else { return }
        let expected = seed.key.signature(
            of: seed.key.chunkStringToSign(previousSignature: previousSignature, sha256: sha256, at: seed.time))
        guard isSameSignature(expected, chunkSignature) else { throw .signatureMismatch }
        previousSignature = expected
    }

    private static func size(_ digits: ArraySlice<UInt8>) -> UInt64? {
        // Sixteen digits cannot overflow; a sign is no digit.
        guard (1...16).contains(digits.count), digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") })
        else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    // MARK: Trailer

    private mutating func takeTrailer(_ field: [UInt8]) throws(ChunkedBodyError) {
        trailerBytes += field.count + 2
        guard trailerBytes <= Self.trailerLimitBytes else { throw .malformed(reason: "the trailer is too long") }
        guard !field.isEmpty else {
            // One blank line may stand between the fields and their signature; the trailer ends with the one after that.
            if seed == nil || hasTrailerSignature { step = .end }
            return
        }
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { throw .malformedTrailer }
        let name = String(decoding: field[..<colon], as: UTF8.self).asciiLowercased()
        let value = Self.trimmed(field[(colon + 1)...])
        if name == "x-amz-trailer-signature" {
            try checkTrailer(signature: value)
        } else {
            guard !hasTrailerSignature else { throw .malformedTrailer }
            trailers.append((name, value))
            signedTrailerText += "\(name):\(value)\n".utf8
        }
    }

    private mutating func checkTrailer(signature: String) throws(ChunkedBodyError) {
        guard let seed, !hasTrailerSignature else { throw .malformedTrailer }
        let expected = seed.key.signature(
            of: seed.key.trailerStringToSign(
                previousSignature: previousSignature, sha256: Digest.sha256(signedTrailerText), at: seed.time))
        guard isSameSignature(expected, signature.asciiLowercased()) else { throw .signatureMismatch }
        hasTrailerSignature = true
    }

    private static func trimmed(_ value: ArraySlice<UInt8>) -> String {
        let blank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let start = value.drop(while: blank)
        let end = start.lastIndex { !blank($0) }.map { $0 + 1 } ?? start.startIndex
        return String(decoding: start[..<end], as: UTF8.self)
    }
}
