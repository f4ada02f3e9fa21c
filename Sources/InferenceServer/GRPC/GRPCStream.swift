import GRPCCore
import NIOCore
import NIOHPACK
import NIOHTTP2
import Names

/// Stands first in a call's pipeline, between HTTP/2 and the library that gathers messages: takes each message on byte by byte as it
/// comes, before it is gathered, and refuses those that are too large, too many or too slow.
///
/// What a message is charged is given back with its answer. Decisions 0083 and 0084 have the reasons.
final class GRPCStream: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private enum Method {
        case infer, streamInfer, health, other

        init(path: String) { self = Self.known[Name(path)] ?? .other }

        var isPrediction: Bool { self == .infer || self == .streamInfer }

        private static let known: [Name: Method] = {
            let service = "/\(InferenceRPCs.service)/"
            return [
                Name(service + "ModelInfer"): .infer, Name(service + "ModelStreamInfer"): .streamInfer,
                Name(service + "ServerLive"): .health, Name(service + "ServerReady"): .health,
                Name(service + "ModelReady"): .health, Name("/\(InferenceRPCs.healthService)/Check"): .health,
            ]
        }()
    }

    private let shared: GRPCLoop
    private let connection: GRPCConnection
    private var context: ChannelHandlerContext?
    /// Nil before the call's head.
    private var method: Method?
    private var path = ""
    private var beganNanoseconds: UInt64 = 0
    /// Refused or answered: nothing passes any more.
    private var isOver = false

    // What comes in.
    private var framing = MessageFraming()
    private var hasInputEnded = false
    private var isReadHeld = false
    /// Messages that are all here, and not answered.
    private var waitingCount = 0
    /// Bytes that are held for messages that are not answered, in their order.
    private var charges = CircularBuffer<Int>()
    /// Whether what comes of the latest is held.
    private var isCharging = false
    /// What is held for what may lie unread behind a message.
    private var unreadCharge = 0
    private var progressCount = 0
    private var inputDeadline: Int

    // What goes out.
    private var hasHead = false
    private var untakenBytes = 0
    private var outputDeadline = 0

    init(_ shared: GRPCLoop, _ connection: GRPCConnection) {
        self.shared = shared
        self.connection = connection
        inputDeadline = shared.now + shared.limits.messageSeconds
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.begin(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    private func end() {
        isOver = true
        giveBackInput()
        connection.end(self)
    }

    private func giveBackInput() {
        while let charge = charges.popFirst() { shared.giveBack(bytes: charge) }
        isCharging = false
        giveBackUnread()
    }

    private func giveBackUnread() {
        shared.giveBack(bytes: unreadCharge)
        unreadCharge = 0
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        do throws(OpenInferenceRefusal) {
            switch unwrapInboundIn(data) {
            case .headers(let part):
                hasInputEnded = hasInputEnded || part.endStream
                if method == nil { try begin(part.headers) }
            case .data(let part):
                hasInputEnded = hasInputEnded || part.endStream
                if case .byteBuffer(let bytes) = part.data { try take(bytes) }
            default: break
            }
        } catch {
            return refuse(error, context)
        }
        context.fireChannelRead(data)
    }

    private func begin(_ head: HPACKHeaders) throws(OpenInferenceRefusal) {
        path = String((head.first(name: ":path") ?? "").cut(toBytes: 200))
        beganNanoseconds = Inquiry.now()
        let method = Method(path: path)
        self.method = method
        try shared.admitStream(isHealth: method == .health)
    }

    private func take(_ bytes: ByteBuffer) throws(OpenInferenceRefusal) {
        progressCount += bytes.readableBytes
        if progressCount >= GRPCLimits.progressBytes { progress() }
        var rest = bytes
        while true {
            let before = rest.readableBytes
            let event = framing.next(in: &rest)
            if isCharging { try charge(before - rest.readableBytes) }
            guard let event else { return }
            progress()
            switch event {
            case .begins(let byteCount, let isWhole):
                guard method == .streamInfer || charges.isEmpty else {
                    throw OpenInferenceRefusal(.invalid, "more than one message")
                }
                isCharging = try shared.admit(messageOf: byteCount, isWhole: isWhole)
                charges.append(0)
            case .ends:
                isCharging = false
                waitingCount += 1
                try chargeUnread()
            }
        }
    }

    private func charge(_ byteCount: Int) throws(OpenInferenceRefusal) {
        try shared.hold(bytes: byteCount)
        charges[charges.index(before: charges.endIndex)] += byteCount
    }

    /// While a message of a stream waits for its answer nothing behind it is read, and as much as was sent ahead may lie there.
    private func chargeUnread() throws(OpenInferenceRefusal) {
        guard method == .streamInfer, unreadCharge == 0 else { return }
        try shared.hold(bytes: shared.limits.streamingBytes)
        unreadCharge = shared.limits.streamingBytes
    }

    private func progress() {
        progressCount = 0
        inputDeadline = shared.now + shared.limits.messageSeconds
    }

    /// In a `ModelStreamInfer` the next message waits, unread, for the answer to the latest.
    func read(context: ChannelHandlerContext) {
        if method == .streamInfer, waitingCount > 0, !isOver { isReadHeld = true } else { context.read() }
    }

    // MARK: Output

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .headers(let part):
            hasHead = true
            context.write(data, promise: promise)
            if part.endStream { finish(context) }
        case .data(let part):
            if case .byteBuffer(let bytes) = part.data {
                write(data, of: bytes, promise, context)
            } else {
                context.write(data, promise: promise)
            }
        default: context.write(data, promise: promise)
        }
    }

    private func write(
        _ data: NIOAny, of bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        // The library writes whole messages.
        var (framing, rest) = (MessageFraming(), bytes)
        while let event = framing.next(in: &rest) {
            if event == .ends { noteAnswered(context) }
        }
        let byteCount = bytes.readableBytes
        do throws(OpenInferenceRefusal) {
            try shared.hold(answerOf: byteCount)
        } catch {
            promise?.fail(error)
            return refuse(error, context, isCounted: false)
        }
        if untakenBytes == 0 { outputDeadline = shared.now + shared.limits.answerSeconds }
        untakenBytes += byteCount
        let promise = promise ?? context.eventLoop.makePromise()
        // The socket has them, or is gone; the call may have ended long before.
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.shared.giveBack(bytes: byteCount)
            self.untakenBytes -= byteCount
            self.outputDeadline = self.shared.now + self.shared.limits.answerSeconds
        }
        context.write(data, promise: promise)
    }

    private func noteAnswered(_ context: ChannelHandlerContext) {
        if let charge = charges.popFirst() { shared.giveBack(bytes: charge) }
        waitingCount = max(0, waitingCount - 1)
        guard waitingCount == 0 else { return }
        giveBackUnread()
        guard isReadHeld else { return }
        isReadHeld = false
        progress()
        // Not within the library's write.
        context.eventLoop.assumeIsolated().execute { context.read() }
    }

    // MARK: Endings

    /// Answers with a status, and has the client send no more. Where a head was sent, the status is in the trailers.
    private func refuse(
        _ refusal: OpenInferenceRefusal, _ context: ChannelHandlerContext, isCounted: Bool = true
    ) {
        if isCounted {
            if method?.isPrediction == true { shared.models.noteRefused(refusal) }
            // Of its message nobody has read anything.
            shared.models.log.note(.failure(refusal), to: ByteBuffer(), path: path, began: beganNanoseconds)
        }
        var headers =
            hasHead ? HPACKHeaders() : HPACKHeaders([(":status", "200"), ("content-type", "application/grpc")])
        headers.add(name: "grpc-status", value: String(refusal.rpcErrorCode.rawValue))
        // Plain ASCII without a percent sign, which needs no encoding.
        headers.add(name: "grpc-message", value: refusal.reason)
        context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
        finish(context)
        context.flush()
    }

    /// After the status: what the client had still to send is not wanted. Source: RFC 9113, 8.1.
    private func finish(_ context: ChannelHandlerContext) {
        isOver = true
        giveBackInput()
        if !hasInputEnded { context.write(wrapOutboundOut(.rstStream(.noError)), promise: nil) }
    }

    func sweep() {
        guard let context else { return }
        if untakenBytes > 0 {
            if shared.now >= outputDeadline { context.close(promise: nil) }
        } else if !isOver, !hasInputEnded, !isReadHeld {
            let isPausing = method == .streamInfer && !framing.isWithinMessage
            let deadline = inputDeadline + (isPausing ? shared.limits.pauseSeconds - shared.limits.messageSeconds : 0)
            if shared.now >= deadline { refuse(Self.slow, context) }
        }
    }

    private static let slow = OpenInferenceRefusal(.slow, "the message did not arrive in time")
}
