import Glibc
import NIOCore
import NIOHTTP1

/// What a direct loop passes on with a connection.
struct Inheritance: Sendable {
    /// Received and not answered, from the first byte of a request on.
    var unread: ByteBuffer
    /// Bytes of answers that have not left.
    var unsent: ByteBuffer
    /// The last answer said that it ends the connection.
    var isClosing: Bool
}

/// One connection on a direct loop: reads whole small requests, has the service answer each at once, and sends the answers of a
/// burst in one call.
///
/// It does no more than that. Whatever is not of this kind goes with the connection, and with every byte from that request's
/// first one on, to a channel, where `HTTPConnection` handles it and all that follows: a head outside the fast path's
/// allow-list, or too large, a body too large to wait here, a streamed answer, HEAD, a client that closes its sending side
/// within a request, that sends slowly, or that does not take its answers. So every rule about such things is written
/// down once, there.
final class DirectConnection: DirectSource, LoopConnection, ReplyTarget {
    private enum Phase {
        case reading
        /// The service holds the reply handle; the socket is not read.
        case awaitingReply
        /// Closed, or handed over.
        case gone
    }

    /// A request with its body waits here up to so many bytes; a larger one is gathered by a channel.
    static let waitingBytes = 64 * 1024
    /// With so many bytes of answers to one burst they are sent before the next request is answered.
    private static let burstBytes = 256 * 1024
    /// So many full buffers are taken from one connection before the others have their turn.
    private static let turnCount = 16
    /// An unfinished request that has been seen by so many of the loop's ticks goes to a channel, which has the deadlines.
    private static let waitingTicks = 2

    let facts: ConnectionFacts
    /// Direct loops serve those who keep no account of descriptors.
    var standing: DescriptorAccount.Holder? { nil }
    var isWaiting: Bool { if case .reading = self.phase { true } else { false } }
    private let lane: DirectLane
    private let shared: LoopContext
    private let descriptor: CInt
    private var phase = Phase.reading
    /// Of a Unix socket: what is still to be taken from it, which is nothing while the loop sleeps.
    private var peeked: PeekedBytes?
    /// The beginning of a request whose rest is still to come, or what waits behind the one in work.
    private var unread = ByteBuffer()
    private var unreadTicks = 0
    /// Answers of a burst that the client did not take before a reply that comes later.
    private var held = ByteBuffer()
    private var serial: UInt64 = 0
    private var deadline: Int
    /// Of the request in work.
    private var isKept = true

    /// - Parameter descriptor: connected and not blocking; the connection's own from now on.
    init(lane: DirectLane, descriptor: CInt, facts: ConnectionFacts) {
        self.lane = lane
        self.shared = lane.shared
        self.descriptor = descriptor
        self.facts = facts
        self.peeked = PeekedBytes(descriptor)
        self.deadline = lane.shared.idleDeadline
    }

    /// Begins to serve; on the loop.
    func start() {
        guard self.lane.loop.watch(self.descriptor, self, isToldOnce: true) else { return self.end() }
        self.shared.add(self)
    }

    // MARK: Reading

    func isReady(hasEnded: Bool) {
        guard case .reading = self.phase else { return }
        // What comes later is told anew, but not the rest of what was told.
        for round in 0..<Self.turnCount {
            // Who else waits comes before a request that may or may not be there.
            let isToLookAgain = self.lane.loop.readySourceCount == 1 && self.peeked?.isToLookAgain() == true
            guard self.receive(untilEmpty: hasEnded || isToLookAgain, isLook: round > 0) else {
                return self.takePeeked()
            }
        }
        self.takePeeked()
        // A client that sends without end has had its turn.
        let bound = NIOLoopBound(self, eventLoop: self.lane.loop)
        self.lane.loop.execute { bound.value.isReady(hasEnded: hasEnded) }
    }

    /// Nothing that has been read stays in the socket.
    private func takePeeked() {
        guard let count = self.peeked?.count, count > 0 else { return }
        guard self.peeked?.take() == false else { return }
        _ = self.lane.takeUnsent()
        self.cut()
    }

    /// Takes in what one call gives.
    ///
    /// - Parameters:
    ///   - untilEmpty: the kernel has to say that there is no more; otherwise a call that does not fill the buffer says it.
    ///   - isLook: it is not yet known that there is something.
    /// - Returns: whether to call again.
    private func receive(untilEmpty: Bool, isLook: Bool) -> Bool {
        let isPeeking = self.peeked?.isPeeking == true
        let (count, isFull, error) = self.lane.receive(from: self.descriptor, isPeeking: isPeeking)
        if isLook, error != EINTR { self.peeked?.noteLook(hasFound: count > 0) }
        if count > 0 {
            if isLook { self.lane.loop.beginRound() }
            if isPeeking { self.peeked?.add(count) }
            var bytes = self.lane.input
            self.take(&bytes)
            if let count = self.peeked?.count, count >= PeekedBytes.limitBytes { self.takePeeked() }
        } else if count == 0 {
            self.inputEnded()
        } else if error != EAGAIN, error != EINTR {
            self.cut()
        }
        guard case .reading = self.phase else { return false }
        return isFull || error == EINTR || (untilEmpty && count > 0)
    }

    private func take(_ received: inout ByteBuffer) {
        guard self.unread.readableBytes > 0 else { return self.answerAll(&received) }
        var bytes = self.unread
        self.unread = ByteBuffer()
        bytes.writeBuffer(&received)
        self.answerAll(&bytes)
    }

    /// The client sends no more.
    private func inputEnded() {
        guard self.unread.readableBytes == 0 else { return self.handOver(self.unread) }
        self.cut()
    }

    /// Answers every whole request of the bytes, keeps what is left, and sends.
    private func answerAll(_ bytes: inout ByteBuffer) {
        while bytes.readableBytes > 0, case .reading = self.phase, self.isKept {
            let start = bytes.readerIndex
            switch self.answerOne(&bytes) {
            case .answered:
                guard self.lane.output.readableBytes > Self.burstBytes else { continue }
                guard self.send() else { return self.handOver(bytes) }
            case .notOurs:
                bytes.moveReaderIndex(to: start)
                _ = self.send()
                return self.handOver(bytes)
            case .incomplete, .later: return self.pause(bytes)
            }
        }
        self.pause(bytes)
    }

    /// Sends what is answered, and keeps what cannot be answered yet.
    private func pause(_ rest: ByteBuffer) {
        let isAllSent = self.send()
        switch self.phase {
        case .reading where !isAllSent: self.handOver(rest)
        case .reading where !self.isKept: self.cut()
        case .reading: self.keep(rest)
        case .awaitingReply:
            // Leaves with the reply, in front of it.
            if !isAllSent { self.held = self.lane.takeUnsent() }
            self.keep(rest)
        case .gone: break
        }
    }

    /// Bytes that wait have storage of their own, of their own size.
    private func keep(_ bytes: ByteBuffer) {
        // `unread` is empty here: what it held is part of the bytes.
        guard bytes.readableBytes > 0 else { return }
        self.unread = ByteBuffer(bytes: bytes.readableBytesView)
    }

    private enum Step {
        case answered
        case incomplete
        /// A channel has to handle it; nothing was answered.
        case notOurs
        /// The reply will come by the handle.
        case later
    }

    private func answerOne(_ bytes: inout ByteBuffer) -> Step {
        let limits = self.shared.limits
        let outcome = unsafe bytes.withUnsafeReadableBytes {
            unsafe FastPathParser.parse($0, fieldLimitCount: limits.fieldCount)
        }
        guard case .complete(let parsed) = outcome else {
            guard case .incomplete = outcome, bytes.readableBytes <= min(limits.headBytes, Self.waitingBytes) else {
                return .notOurs
            }
            return .incomplete
        }
        let length = parsed.contentLength ?? 0
        // A pattern and not `!=`, which would compare names: the method is told by its case.
        if case .HEAD = parsed.method { return .notOurs }
        guard parsed.headCount <= limits.headBytes, length <= UInt64(Self.waitingBytes) else { return .notOurs }
        guard bytes.readableBytes - parsed.headCount >= Int(length) else { return .incomplete }
        guard let headBytes = bytes.readSlice(length: parsed.headCount), let body = bytes.readSlice(length: Int(length))
        else { return .notOurs }

        let head = RequestHead(parsed, bytes: headBytes)
        switch self.shared.service.route(head, on: self.facts) {
        case .gather(let limitBytes) where length <= UInt64(max(0, limitBytes)):
            self.begin(head)
            switch self.shared.service.respond(to: self.request(head, body)) {
            case .now(let response):
                self.write(response)
                return .answered
            case .later(let take):
                self.phase = .awaitingReply
                self.deadline = .max
                take(ReplyHandle(connection: self, serial: self.serial, loop: self.lane.loop))
                return .later
            }
        case .respond(let response):
            // All of the body is here, and dropped.
            self.begin(head)
            self.write(response)
            return .answered
        case .gather, .stream: return .notOurs
        }
    }

    private func request(_ head: RequestHead, _ body: ByteBuffer) -> GatheredRequest {
        GatheredRequest(
            head: head, body: body, connection: self.facts, arrivedNanoseconds: self.lane.loop.roundNanoseconds)
    }

    private func begin(_ head: RequestHead) {
        self.serial &+= 1
        self.isKept = head.isKeepAlive
        self.unreadTicks = 0
        self.deadline = self.shared.idleDeadline
    }

    func reply(_ response: Response?, serial: UInt64) {
        guard case .awaitingReply = self.phase, serial == self.serial else { return }
        if self.held.readableBytes > 0 {
            self.lane.output.writeBuffer(&self.held)
            self.held = ByteBuffer()
        }
        self.write(response ?? self.shared.service.response(for: .noAnswer, head: nil))
        self.phase = .reading
        self.deadline = self.shared.idleDeadline
        var bytes = self.unread
        self.unread = ByteBuffer()
        self.answerAll(&bytes)
        // What came in the meantime has been told, and was not read.
        self.isReady(hasEnded: true)
    }

    // MARK: Writing

    private func write(_ response: Response) {
        self.isKept = self.isKept && !response.isClosing && !self.shared.isRetiring
        let isBodyless = response.head.isBodyless
        let isUnframed = isBodyless && response.declaredLength == nil
        AnswerHead.write(
            response.head, date: self.shared.dateField,
            framing: isUnframed ? .none : .length(response.contentLength),
            connection: self.isKept ? .implied : .close, to: &self.lane.output)
        if !isBodyless { self.lane.output.writeImmutableBuffer(response.body) }
    }

    /// Sends what is written. False when something is left, for which a channel has to wait.
    private func send() -> Bool {
        guard self.lane.output.readableBytes > 0 else { return true }
        if case .gone = self.phase {
            self.lane.output.clear()
            return true
        }
        var failure: CInt = 0
        let count = unsafe self.lane.output.withUnsafeReadableBytes { bytes in
            let count = unsafe Glibc.send(self.descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
            if count < 0 { failure = errno }
            return count
        }
        if count == self.lane.output.readableBytes {
            self.lane.output.clear()
            self.lane.loop.noteAnswered()
            return true
        }
        if count < 0, failure != EAGAIN, failure != EINTR {
            // Nobody is left to answer.
            self.lane.output.clear()
            self.cut()
            return true
        }
        self.lane.output.moveReaderIndex(forwardBy: max(0, count))
        return false
    }

    // MARK: The end

    /// Gives the connection to a channel, with the bytes from the request's first one on and what has not left.
    private func handOver(_ unread: ByteBuffer) {
        self.takePeeked()
        guard self.leave() else { return }
        self.lane.handOver(
            self.descriptor, self.facts,
            Inheritance(
                unread: ByteBuffer(bytes: unread.readableBytesView), unsent: self.lane.takeUnsent(),
                isClosing: !self.isKept))
    }

    /// Ends the connection without a further byte.
    func cut() {
        guard self.leave() else { return }
        self.end()
    }

    private func end() {
        self.phase = .gone
        close(self.descriptor)
        self.shared.census.leave()
    }

    /// False when the connection has gone before.
    private func leave() -> Bool {
        if case .gone = self.phase { return false }
        self.lane.loop.unwatch(self.descriptor)
        self.phase = .gone
        // A socket that is closed with bytes in it tells its client of a reset; whether they can be taken does not matter now.
        _ = self.peeked?.take()
        self.peeked = nil
        self.unread = ByteBuffer()
        self.shared.remove(self)
        return true
    }

    func sweep(now: Int) {
        guard case .reading = self.phase else { return }
        guard self.unread.readableBytes == 0 else {
            self.unreadTicks += 1
            if self.unreadTicks >= Self.waitingTicks { self.handOver(self.unread) }
            return
        }
        if now >= self.deadline { self.cut() }
    }

    func beginDraining() {
        guard case .reading = self.phase else { return }
        // A request may have come of which the loop has not been told yet.
        if self.unread.readableBytes == 0 { self.isReady(hasEnded: true) }
        guard case .reading = self.phase else { return }
        if self.unread.readableBytes == 0 { self.cut() } else { self.handOver(self.unread) }
    }
}
