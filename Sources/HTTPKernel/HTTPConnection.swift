import NIOCore
import NIOHTTP1
import NIOTLS

/// One connection: reads requests one after another, has the service answer each, and writes the answers in order.
///
/// It is the last handler of its channel and lives on its loop. At first it reads the received bytes itself
/// (`FastPathParser`); the first request outside that list puts NIO's codec in front of it, which then reads this request and
/// all that follow. Framing aside, both feed the same steps: head, body, end.
///
/// One request is in work at a time. Until it is answered nothing more is parsed, and reading from the socket stops as
/// soon as no byte of it is of use now: that is all the back-pressure there is, towards clients that pipeline and towards
/// those that send faster than a handler reads.
///
/// The state is spread over four files: this one holds it and the channel's events, `+Input` the way from bytes to service,
/// `+Output` the way from answer to bytes, `+Shares` what the connection takes of the server's accounts.
final class HTTPConnection: ChannelDuplexHandler, LoopConnection, ReplyTarget {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    enum Phase {
        /// Between requests, or within a head.
        case awaitingHead
        /// The body is being gathered for the service.
        case gathering(limitBytes: Int)
        /// The service holds the reply handle.
        case awaitingReply
        case streaming(StreamExchange)
        /// Answered; the rest of the body is read and dropped.
        case discarding
        /// The last answer is on its way out; nothing more is parsed.
        case closing
        case closed
    }

    let shared: LoopContext
    let facts: ConnectionFacts
    var context: ChannelHandlerContext?
    var phase = Phase.awaitingHead

    /// Who the connection is of, to the account of descriptors.
    var standing: DescriptorAccount.Holder?
    /// What a head that is not whole yet has been charged, and for whom.
    var headCharge = (bytes: 0, purpose: MemoryAccount.Purpose.stranger)
    /// What answers that wait for the client, behind a request that is done, have been charged.
    var outputChargeBytes = 0

    // The request in work.

    var head: RequestHead?
    /// Rises with each request, so that a late reply cannot answer another.
    var serial: UInt64 = 0
    /// The request's last byte has been taken in.
    var isRequestEnded = true
    /// The client waits for `100 Continue`, which has not been sent.
    var owesContinue = false
    /// The streamed answer's head has been written.
    var isAnswerStarted = false
    /// The streamed answer has been written to its end.
    var isStreamAnswered = false
    /// The connection is used again after this answer; settled when the answer's head is written.
    var isKept = true
    /// The streamed body's bytes go out in chunks.
    var isChunking = false
    var suppressesBody = false
    var task: Task<Void, Never>?

    // Input.

    /// The codec stands in front.
    var isCodecInstalled = false
    /// The codec reads what came before it was there.
    var isReplaying = false
    /// Fast path: received and not parsed.
    var unread = ByteBuffer()
    /// Fast path: bytes of the current body that are still to come.
    var bodyRemaining: UInt64 = 0
    /// Codec: decoded and not handled.
    var events = CircularBuffer<CodecEvent>()
    var gathered = ByteBuffer()
    /// What the service has charged for the body that is being gathered.
    var chargedBytes = 0
    /// When the loop learned of what was received last.
    var arrivedNanoseconds: UInt64 = 0
    var discardLimit = 0
    /// TLS has not been agreed on yet.
    private var isHandshaking: Bool
    /// A head has begun to arrive; its deadline is set.
    var isHeadStarted = false
    /// The streamed body's queue has room.
    var isBodyWanted = true
    var isInputClosed = false
    var isParsing = false
    /// The pipeline asked to read while there was nothing to read for.
    private var isReadHeld = false

    // Output.

    var output = ByteBuffer()
    /// Within a burst of reads: answers are flushed together at its end.
    var isInRead = false
    /// Something was handed to the channel and not flushed.
    var isFlushDue = false
    /// The client does not take its answers; parsing waits.
    var isOutputBlocked = false

    // Time, in ticks of the loop's context.

    var deadline: Int
    /// Body bytes since the deadline was last moved.
    var windowBytes = 0
    /// Everything that was ever handed to the channel.
    var handedBytes: UInt64 = 0
    /// What of it the client had taken at the last tick.
    var takenBytes: UInt64 = 0
    /// Since when answers wait, or the client has last taken enough of them; and what it had taken then.
    var takenWindow: (tick: Int, bytes: UInt64)?

    /// What a direct loop had of the connection before it was handed over.
    private var inheritance: Inheritance?

    /// - Parameter inheritance: of a connection that a direct loop began; taken up when the channel becomes active.
    init(shared: LoopContext, facts: ConnectionFacts, inheritance: Inheritance? = nil) {
        self.shared = shared
        self.facts = facts
        self.inheritance = inheritance
        self.isHandshaking = facts.isTLS
        self.standing = shared.shares == nil ? nil : .stranger
        // A client that begins no handshake is one that begins no head.
        self.deadline = facts.isTLS ? shared.headDeadline : shared.idleDeadline
        if let inheritance, inheritance.unread.readableBytes > 0 {
            // A request has begun, which draining must not cut off.
            self.isHeadStarted = true
            self.deadline = shared.headDeadline
        }
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.shared.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if let inheritance = self.inheritance.take() {
            self.isInRead = true
            self.arrivedNanoseconds = self.shared.roundNanoseconds
            self.output = inheritance.unsent
            if inheritance.isClosing { self.startClosing() } else { self.receive(inheritance.unread) }
            self.endRead()
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    /// The channel is gone: everything that waits for it learns so.
    private func end() {
        if case .closed = self.phase { return }
        if case .streaming(let exchange) = self.phase { exchange.abandon() }
        self.giveBack()
        self.giveBackHead()
        self.giveBackOutput()
        self.phase = .closed
        self.task?.cancel()
        self.task = nil
        self.head = nil
        self.unread = ByteBuffer()
        self.gathered = ByteBuffer()
        self.events.removeAll()
        self.shared.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isInRead = true
        self.arrivedNanoseconds = self.shared.roundNanoseconds
        self.receive(self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.endRead()
        context.fireChannelReadComplete()
    }

    private func endRead() {
        // The codec hands on what it makes of a burst within it; if that was nothing, it holds part of a head or body.
        let codecHolds = self.isCodecInstalled && !self.isInRead
        self.isInRead = false
        self.noteIncompleteHead(codecHolds: codecHolds)
        self.flush()
    }

    func read(context: ChannelHandlerContext) {
        if self.mayRead {
            context.read()
        } else {
            self.isReadHeld = true
        }
    }

    /// Whether bytes from the socket are of use now.
    private var mayRead: Bool {
        switch self.phase {
        case .awaitingHead: !self.isOutputBlocked
        case .gathering, .discarding, .closing: true
        case .awaitingReply, .closed: false
        case .streaming: !self.isRequestEnded && self.isBodyWanted
        }
    }

    /// To be called whenever `mayRead` may have become true.
    func resumeReading() {
        guard self.isReadHeld, self.mayRead else { return }
        self.isReadHeld = false
        self.context?.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.isOutputBlocked, context.channel.isWritable {
            self.isOutputBlocked = false
            self.resumeInput()
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { self.inputClosed() }
        if case .handshakeCompleted? = event as? TLSUserEvent { self.handshakeCompleted() }
        context.fireUserInboundEventTriggered(event)
    }

    private func handshakeCompleted() {
        self.isHandshaking = false
        if case .awaitingHead = self.phase, !self.isHeadStarted { self.deadline = self.shared.idleDeadline }
    }

    /// Errors of the socket or of TLS: nobody is left to answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.cut() }

    // MARK: Time and the end

    func sweep(now: Int) {
        self.noteStanding()
        self.watchOutput(now: now)
        guard now >= self.deadline else { return }
        switch self.phase {
        // There is nothing yet in which it could be told.
        case .awaitingHead where self.isHandshaking: self.cut()
        case .awaitingHead:
            if self.isHeadStarted { self.refuse(.headTimedOut) } else if !self.isOutputBlocked { self.startClosing() }
        case .gathering where self.hasMovedWindow: break
        case .gathering: self.refuse(.bodyTimedOut)
        case .streaming(let exchange):
            guard !self.isRequestEnded, self.isBodyWanted, !self.owesContinue, !self.hasMovedWindow else {
                self.restartWindow()
                return
            }
            self.isKept = false
            exchange.body.fail(.bodyTimedOut)
            self.deadline = .max
        case .awaitingReply: break
        case .discarding where self.hasMovedWindow: break
        case .discarding, .closing: self.cut()
        case .closed: break
        }
    }

    /// Moves the body's deadline if enough has come since it was last moved.
    private var hasMovedWindow: Bool {
        guard self.windowBytes >= self.shared.limits.bodyWindowBytes else { return false }
        self.restartWindow()
        return true
    }

    func restartWindow() {
        self.windowBytes = 0
        self.deadline = self.shared.bodyDeadline
    }

    /// The client will send no more. What it has asked for in full is still answered.
    private func inputClosed() {
        self.isInputClosed = true
        self.endInput()
        self.isInRead = false
        self.flush()
    }

    /// Ends what waits for bytes that will not come; to be called when the input is closed and nothing more can be parsed.
    func endInput() {
        switch self.phase {
        // Whole requests may wait until the client has taken answers.
        case .awaitingHead: if !self.isOutputBlocked { self.startClosing() }
        case .gathering: self.refuse(.truncatedBody)
        case .streaming(let exchange):
            if !self.isRequestEnded {
                self.isKept = false
                exchange.body.fail(.truncatedBody)
            }
        case .discarding: self.startClosing()
        // Without a deadline the last byte has not left yet; the connection ends when it has.
        case .closing: if self.deadline != .max { self.cut() }
        case .awaitingReply, .closed: break
        }
    }

    func beginDraining() {
        if self.isHandshaking { return self.cut() }
        if case .awaitingHead = self.phase, !self.isHeadStarted, !self.isInRead { self.startClosing() }
    }

    func cut() { self.context?.close(promise: nil) }

    /// Tells the service that what is being gathered will not come.
    func giveBack() {
        guard self.chargedBytes > 0 else { return }
        self.shared.service.giveBack(self.chargedBytes)
        self.chargedBytes = 0
    }
}
