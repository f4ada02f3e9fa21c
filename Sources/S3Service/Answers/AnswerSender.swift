import HTTPKernel
import NIOCore
import NIOHTTP1
import ObjectEngine
import S3Wire

/// Sends an answer over one connection.
struct AnswerSender {
    let writer: ResponseWriter
    /// On every answer: request id, host id, server.
    let commonFields: [(String, String)]

    /// - Parameter share: what ``Answer/admitted(to:)`` took for it.
    /// - Returns: how many bytes of body were sent.
    /// - Throws: when the client has gone or the body cannot be read; the connection is then cut, so that no client takes a
    ///   part for the whole.
    func send(_ answer: Answer, share: MemoryShare, isDraining: () -> Bool) async throws -> UInt64 {
        let head = ResponseHead(answer.status, commonFields + answer.fields)
        switch answer.body {
        case .none:
            try await writer.respond(Response(head))
            return 0
        case .declared(let length):
            try await writer.respond(Response(head, declaredLength: length))
            return 0
        case .bytes(let bytes):
            let body = ByteBuffer(bytes: bytes)
            guard bytes.count > TransferCost.freeAnswerBytes else {
                try await writer.respond(Response(head, body: body))
                return UInt64(bytes.count)
            }
            // Its share is held until the client has it.
            try await writer.start(head, length: .known(UInt64(bytes.count)))
            _ = try writer.enqueue(body)
            while try await !writer.waitForRoom(below: 0) {}
            try await writer.end()
            return UInt64(bytes.count)
        case .object(let reader):
            return try await send(head, reader, share)
        case .feed(let follower):
            try await writer.start(head, length: .unknown)
            return try await follower.follow(into: writer, isDraining: isDraining)
        }
    }

    private func send(_ head: ResponseHead, _ reader: BodyReader, _ share: MemoryShare) async throws -> UInt64 {
        let length = reader.remainingBytes
        // In one write with its head.
        if length <= TransferCost.freeAnswerBytes {
            var reader = reader
            var body = ByteBuffer()
            body.reserveCapacity(Int(length))
            while let chunk = try reader.next() { chunk.withBytes { span in _ = body.writeBytes(span) } }
            try await writer.respond(Response(head, body: body))
            return length
        }
        try await writer.start(head, length: .known(length))
        var download = Download(reader, into: writer, share: share)
        try await download.send()
        try await writer.end()
        return length
    }
}
