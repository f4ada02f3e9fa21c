import HTTPKernel
import NIOCore
import NIOHTTP1
import ObjectEngine
import S3Wire

/// Sends an answer over one connection.
struct AnswerSender {
    /// Bodies up to this size go out in one write with their head.
    private static let gatheredLimitBytes: UInt64 = 64 << 10
    /// Longer ones in pieces of this size, which stay in the processor's cache.
    private static let pieceBytes = 256 << 10

    let writer: ResponseWriter
    /// On every answer: request id, host id, server.
    let commonFields: [(String, String)]

    /// - Returns: how many bytes of body were sent.
    /// - Throws: when the client has gone or the body cannot be read; the connection is then cut, so that no client takes a
    ///   part for the whole.
    func send(_ answer: Answer, isDraining: () -> Bool) async throws -> UInt64 {
        let head = ResponseHead(answer.status, commonFields + answer.fields)
        switch answer.body {
        case .none:
            try await writer.respond(Response(head))
            return 0
        case .declared(let length):
            try await writer.respond(Response(head, declaredLength: length))
            return 0
        case .bytes(let bytes):
            try await writer.respond(Response(head, body: ByteBuffer(bytes: bytes)))
            return UInt64(bytes.count)
        case .object(let reader):
            return try await send(head, reader)
        case .feed(let follower):
            try await writer.start(head, length: .unknown)
            return try await follower.follow(into: writer, isDraining: isDraining)
        }
    }

    private func send(_ head: ResponseHead, _ reader: BodyReader) async throws -> UInt64 {
        var reader = reader
        let length = reader.remainingBytes
        if length <= Self.gatheredLimitBytes {
            var body = ByteBuffer()
            body.reserveCapacity(Int(length))
            while let chunk = try reader.next() { chunk.withBytes { span in _ = body.writeBytes(span) } }
            try await writer.respond(Response(head, body: body))
            return length
        }
        try await writer.start(head, length: .known(length))
        while let chunk = try reader.next() {
            var offset = 0
            while offset < chunk.count {
                let end = min(offset + Self.pieceBytes, chunk.count)
                var piece = ByteBuffer()
                piece.reserveCapacity(end - offset)
                chunk.withBytes { span in _ = piece.writeBytes(span.extracting(offset..<end)) }
                try await writer.write(piece)
                offset = end
            }
        }
        try await writer.end()
        return length
    }
}
