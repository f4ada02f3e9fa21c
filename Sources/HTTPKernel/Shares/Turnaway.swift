import NIOCore

/// Tells a connection for which there is no room so, and closes it.
final class Turnaway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: ByteBuffer

    /// - Parameter response: what the service says of a request for which there is no room.
    init(_ response: Response, date: [UInt8]) {
        var answer = ByteBuffer()
        AnswerHead.write(
            response.head, date: date, framing: .length(response.contentLength), connection: .close, to: &answer)
        answer.writeImmutableBuffer(response.body)
        self.answer = answer
    }

    /// What the client has sent by now is not read, so it may see a reset in place of the answer: to wait for its request would
    /// hold the descriptor that there is no room for.
    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(self.answer), promise: nil)
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
