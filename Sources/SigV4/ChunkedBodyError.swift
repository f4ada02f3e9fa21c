/// Why a body in chunks is refused. What was decoded of it must not become visible.
package enum ChunkedBodyError: Error, Equatable, Sendable {
    /// A chunk's header, end or the trailer does not parse, or bytes follow the end.
    case malformed(reason: String)
    /// A signature in the body is not that of the bytes and of all that came before them: changed, left out, moved or repeated.
    case signatureMismatch
    /// A signed chunk that is not the last holds fewer than 8 KiB.
    case chunkTooSmall(sizeBytes: UInt64)
    /// The body ended early, or holds another number of bytes than `x-amz-decoded-content-length` declares.
    case wrongLength(declaredBytes: UInt64, decodedBytes: UInt64)
    /// The trailer does not hold what `x-amz-trailer` announced, or holds more.
    case malformedTrailer
}
