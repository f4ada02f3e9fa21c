import NIOCore

/// Stands first in a gRPC connection's pipeline, where bytes come from the socket: closes the connection when nothing is asked on it,
/// when its peer is gone, or when its answers are not taken, and reads no requests while answers wait for the socket.
final class GRPCConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    private let shared: GRPCLoop
    private var context: ChannelHandlerContext?
    private var streams: [ObjectIdentifier: GRPCStream] = [:]
    private var isRefused = false
    private var isReadHeld = false
    private var latestRead: Int
    private var idleDeadline: Int
    /// While the socket is full.
    private var outputDeadline: Int?
    /// Once the peer was asked to leave.
    private var goodbyeDeadline: Int?

    init(_ shared: GRPCLoop) {
        self.shared = shared
        latestRead = shared.now
        idleDeadline = shared.now + shared.limits.idleSeconds
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        isRefused = !shared.add(self, of: context.channel)
        if isRefused, context.channel.isActive { context.close(promise: nil) }
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if isRefused { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave(context)
        self.context = nil
    }

    private func leave(_ context: ChannelHandlerContext) {
        if shared.connection(of: context.channel) === self { shared.remove(context.channel) }
    }

    // MARK: Calls

    func begin(_ stream: GRPCStream) {
        streams[ObjectIdentifier(stream)] = stream
        shared.beginStream()
    }

    func end(_ stream: GRPCStream) {
        guard streams.removeValue(forKey: ObjectIdentifier(stream)) != nil else { return }
        shared.endStream()
        idleDeadline = shared.now + shared.limits.idleSeconds
        if goodbyeDeadline != nil { goodbyeDeadline = shared.now + shared.limits.graceSeconds }
    }

    // MARK: Bytes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        latestRead = shared.now
        context.fireChannelRead(data)
    }

    /// A client that takes no answers is not heard further either: what it asks would only add to them.
    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            outputDeadline = nil
            if isReadHeld {
                isReadHeld = false
                context.read()
            }
        } else {
            outputDeadline = shared.now + shared.limits.answerSeconds
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Time

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { goodbyeDeadline = shared.now + shared.limits.graceSeconds }
        context.fireUserInboundEventTriggered(event)
    }

    func sweep() {
        guard let context else { return }
        let (now, limits) = (shared.now, shared.limits)
        if let outputDeadline, now >= outputDeadline { return context.close(promise: nil) }
        guard streams.isEmpty else {
            // The transport has asked for a sign of life by then.
            if now >= latestRead + limits.silenceSeconds + 2 * limits.graceSeconds, !isReadHeld {
                return context.close(promise: nil)
            }
            for stream in Array(streams.values) { stream.sweep() }
            return
        }
        if let goodbyeDeadline {
            if now >= goodbyeDeadline { context.close(promise: nil) }
        } else if now >= idleDeadline {
            // The transport says goodbye; a call that crosses it on its way is still answered.
            goodbyeDeadline = now + limits.graceSeconds
            context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
