package import NIOCore

/// A whole answer.
///
/// To HEAD, and with status 204 or 304, no body is sent whatever is given; to HEAD, Content-Length is that of the body
/// given or declared.
package struct Response: Sendable {
    package var head: ResponseHead
    package var body: ByteBuffer
    /// Stated in Content-Length instead of the body's own; for answers to HEAD and for 304.
    let declaredLength: UInt64?
    /// The connection ends with this answer.
    package var isClosing: Bool

    package init(_ head: ResponseHead, body: ByteBuffer = ByteBuffer(), closing: Bool = false) {
        self.head = head
        self.body = body
        self.declaredLength = nil
        self.isClosing = closing
    }

    /// An answer without a body that states the length that the body would have.
    package init(_ head: ResponseHead, declaredLength: UInt64) {
        self.head = head
        self.body = ByteBuffer()
        self.declaredLength = declaredLength
        self.isClosing = false
    }

    var contentLength: UInt64 { self.declaredLength ?? UInt64(self.body.readableBytes) }
}

/// How the end of a streamed answer's body is told.
package enum BodyLength: Sendable, Equatable {
    /// By Content-Length; exactly so many bytes must be written.
    case known(UInt64)
    /// By chunks, or to an HTTP/1.0 client by closing.
    case unknown
}
