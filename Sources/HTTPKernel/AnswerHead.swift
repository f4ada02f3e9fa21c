import NIOCore

/// Writes the head of an answer: what the service states, then Date, the body's framing and Connection.
enum AnswerHead {
    /// How a head tells where its body ends.
    enum Framing {
        case none
        case length(UInt64)
        case chunks
    }

    /// What a head says of the connection's future.
    enum Connection {
        /// Nothing: HTTP/1.1 keeps it.
        case implied
        case keepAlive
        case close
    }

    static func write(
        _ head: ResponseHead, date: [UInt8], framing: Framing, connection: Connection, to output: inout ByteBuffer
    ) {
        output.writeBytes(head.bytes)
        output.writeBytes(date)
        switch framing {
        case .none: break
        case .length(let count):
            output.writeStaticString("content-length: ")
            DecimalText.append(count, to: &output)
            output.writeStaticString("\r\n")
        case .chunks: output.writeStaticString("transfer-encoding: chunked\r\n")
        }
        switch connection {
        case .implied: output.writeStaticString("\r\n")
        case .keepAlive: output.writeStaticString("connection: keep-alive\r\n\r\n")
        case .close: output.writeStaticString("connection: close\r\n\r\n")
        }
    }
}
