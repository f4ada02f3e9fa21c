import Glibc
package import Logging
package import NIOCore

/// Stands first in a listening channel's pipeline: when the process is out of descriptors or memory, whoever waits to be accepted
/// waits until some are given back.
///
/// NIO polls a listening socket again at once after an `accept` that failed, even with its `AcceptBackoffHandler`, since the read
/// that failed stays pending: that takes a core for as long as somebody waits.
package final class AcceptRest: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    private let logger: Logger
    private var isResting = false
    /// Until then a further rest is not worth a line.
    private var quietUntil = NIODeadline.uptimeNanoseconds(0)

    private static let restTime = TimeAmount.seconds(1)
    private static let quietTime = TimeAmount.minutes(1)

    package init(logger: Logger) { self.logger = logger }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let shortage = error as? IOError, Self.passes(shortage.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        guard !self.isResting else { return }
        self.isResting = true
        let now = context.eventLoop.now
        if now >= self.quietUntil {
            self.quietUntil = now + Self.quietTime
            self.logger.warning("connections wait to be accepted", metadata: ["reason": "\(shortage)"])
        }
        // Without this the socket stays registered.
        _ = context.channel.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.restTime) {
            self.isResting = false
            _ = context.channel.setOption(.autoRead, value: true)
        }
    }

    /// Whether the error says nothing about the socket itself. After any other, NIO closes it.
    private static func passes(_ number: CInt) -> Bool {
        switch number {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: true
        default: false
        }
    }
}
