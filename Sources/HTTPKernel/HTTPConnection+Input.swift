import NIOCore
import NIOHTTP1
import Names

/// From bytes to the service.
extension HTTPConnection {
    // MARK: Fast path

    /// Takes received bytes in.
    func receive(_ bytes: ByteBuffer) {
        switch self.phase {
        case .closing, .closed: return
        default: break
        }
        if self.unread.readableBytes == 0 {
            self.unread = bytes
        } else {
            var bytes = bytes
            self.unread.writeBuffer(&bytes)
        }
        self.windowBytes += bytes.readableBytes
        self.parse()
        self.compact()
    }

    /// Goes as far as the bytes and the request in work allow.
    private func parse() {
        guard !self.isParsing, !self.isCodecInstalled else { return }
        self.isParsing = true
        defer { self.isParsing = false }
        while true {
            switch self.phase {
            case .awaitingHead:
                guard self.unread.readableBytes > 0, self.hasOutputRoom, self.parseHead() else { return }
            case .gathering:
                let hereCount = Int(min(UInt64(self.unread.readableBytes), self.bodyRemaining))
                guard self.charge(hereCount), UInt64(self.unread.readableBytes) >= self.bodyRemaining,
                    let body = self.unread.readSlice(length: Int(self.bodyRemaining))
                else { return }
                self.bodyRemaining = 0
                self.gathered = body
                self.receiveEnd()
            case .streaming, .discarding:
                guard !self.isRequestEnded else { return }
                let count = Int(min(UInt64(self.unread.readableBytes), self.bodyRemaining))
                guard count > 0, let bytes = self.unread.readSlice(length: count) else { return }
                self.bodyRemaining -= UInt64(count)
                self.receiveBody(bytes)
                if self.bodyRemaining == 0 { self.receiveEnd() }
            case .awaitingReply, .closing, .closed:
                return
            }
        }
    }

    /// Reads one head, and hands it on. False when there is nothing more to do for now.
    private func parseHead() -> Bool {
        let fieldLimitCount = self.shared.limits.fieldCount
        let headLimitBytes = self.shared.limits.headBytes
        let outcome = unsafe self.unread.withUnsafeReadableBytes { bytes in
            unsafe FastPathParser.parse(bytes, fieldLimitCount: fieldLimitCount)
        }
        switch outcome {
        case .complete(let parsed):
            guard parsed.headCount <= headLimitBytes, let bytes = self.unread.readSlice(length: parsed.headCount)
            else {
                self.refuse(.headTooLarge)
                return false
            }
            self.bodyRemaining = parsed.contentLength ?? 0
            self.receiveHead(RequestHead(parsed, bytes: bytes), hasBody: self.bodyRemaining > 0)
            return true
        case .incomplete:
            if self.unread.readableBytes > headLimitBytes { self.refuse(.headTooLarge) }
            return false
        case .unusual:
            self.installCodec()
            return false
        }
    }

    /// A few bytes that wait must not keep a large receive buffer alive.
    private func compact() {
        if self.unread.readableBytes == 0 {
            self.unread = ByteBuffer()
        } else if self.unread.readableBytes < 4096, self.unread.storageCapacity > 8192 {
            self.unread = ByteBuffer(bytes: self.unread.readableBytesView)
        }
    }

    // MARK: Codec

    /// Puts NIO's codec in front and replays to it everything from this request's first byte.
    private func installCodec() {
        guard let context = self.context else { return }
        self.isCodecInstalled = true
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = self.shared.limits.headBytes
        limits.maxHeaderListSize = self.shared.limits.headBytes
        limits.maxHeaderFieldCount = self.shared.limits.fieldCount
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(
                leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits))
        let bytes = self.unread
        self.unread = ByteBuffer()
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandlers([decoder, CodecAdapter(connection: self)], position: .before(self))
            let decoderContext = try pipeline.context(handler: decoder)
            let serial = self.serial
            // All of it is decoded before any is handled: whether more waits decides if an answer is the last.
            self.isReplaying = true
            decoder.channelRead(context: decoderContext, data: NIOAny(bytes))
            self.isReplaying = false
            self.handleWaiting()
            if self.serial == serial { self.noteIncompleteHead(codecHolds: true) }
        } catch {
            self.cut()
        }
    }

    /// Takes in what the codec decoded; what cannot be handled yet waits in order.
    func receive(_ event: CodecEvent) {
        switch self.phase {
        case .closing, .closed: return
        default: break
        }
        self.isInRead = true
        if case .part(.body(let bytes)) = event { self.windowBytes += bytes.readableBytes }
        if self.events.isEmpty, self.mayHandleEvent, !self.isReplaying {
            self.handle(event)
        } else {
            self.events.append(event)
        }
    }

    private func handleWaiting() {
        while self.mayHandleEvent, let event = self.events.popFirst() { self.handle(event) }
    }

    private var mayHandleEvent: Bool {
        switch self.phase {
        case .awaitingHead: self.hasOutputRoom
        case .gathering, .discarding: true
        case .streaming: !self.isRequestEnded
        case .awaitingReply, .closing, .closed: false
        }
    }

    private func handle(_ event: CodecEvent) {
        switch event {
        case .part(.head(let head)):
            let requestHead = RequestHead(head)
            if let error = Self.fault(in: head) {
                self.head = requestHead
                self.refuse(error)
            } else {
                self.receiveHead(requestHead, hasBody: requestHead.isChunked || (requestHead.contentLength ?? 0) > 0)
            }
        case .part(.body(let bytes)): self.receiveBody(bytes)
        case .part(.end): if !self.isRequestEnded { self.receiveEnd() }
        case .failure(let error): self.fail(error)
        }
    }

    /// What the codec lets pass and HTTP does not. Source: RFC 9112, sections 3.2 and 6.1; RFC 9110, section 4.2.
    private static func fault(in head: HTTPRequestHead) -> HTTPKernelError? {
        if head.method == .CONNECT { return .notImplemented("CONNECT") }
        let hosts = head.headers[canonicalForm: "host"].count
        if hosts > 1 { return .malformedRequest(reason: "more than one Host") }
        if hosts == 0, head.version == .http1_1 { return .malformedRequest(reason: "no Host") }
        if let authority = RequestHead.absoluteForm(head.uri)?.authority,
            authority.isEmpty || authority.utf8.contains(UInt8(ascii: "@"))
        {
            return .malformedRequest(reason: "a target without a host, or with a user")
        }
        let codings = head.headers[canonicalForm: "transfer-encoding"]
        if let last = codings.last, last.asciiLowercased() != "chunked" {
            return .malformedRequest(reason: "a Transfer-Encoding that does not end in chunked")
        }
        if codings.count > 1 {
            return .notImplemented("Transfer-Encoding: \(codings.joined(separator: ", ").prefix(200))")
        }
        return nil
    }

    /// The bytes stopped making sense in the middle of whatever is in work.
    private func fail(_ error: HTTPKernelError) {
        switch self.phase {
        case .streaming(let exchange):
            self.isKept = false
            exchange.body.fail(error)
        // Answered already, perhaps in this very burst: what is written still leaves.
        case .discarding: self.startClosing()
        default: self.refuse(error)
        }
    }

    // MARK: Steps of a request

    private func receiveHead(_ head: RequestHead, hasBody: Bool) {
        self.serial &+= 1
        self.head = head
        self.isHeadStarted = false
        self.giveBackHead()
        self.isRequestEnded = !hasBody
        self.owesContinue = hasBody && head.expectsContinue && !head.isVersion10
        self.isAnswerStarted = false
        self.isStreamAnswered = false
        self.isChunking = false
        self.suppressesBody = false
        self.isKept = head.isKeepAlive
        switch self.shared.service.route(head, on: self.facts) {
        case .gather(let limitBytes): self.gather(head, limitBytes: limitBytes)
        case .respond(let response): self.answer(response)
        case .stream(let executor, let handler): self.stream(head, on: executor, handler)
        }
    }

    private func gather(_ head: RequestHead, limitBytes: Int) {
        self.phase = .gathering(limitBytes: limitBytes)
        if let length = head.contentLength, length > UInt64(max(0, limitBytes)) {
            return self.refuse(.bodyTooLarge(limitBytes: limitBytes))
        }
        guard !self.isRequestEnded else { return self.receiveEnd() }
        if self.owesContinue { self.writeContinue() }
        self.restartWindow()
    }

    private func stream(
        _ head: RequestHead, on executor: any TaskExecutor,
        _ handler: @escaping @Sendable (StreamedRequest, ResponseWriter) async throws -> Void
    ) {
        let startsPaused = self.owesContinue || self.isBodyOfStranger
        let exchange = StreamExchange(
            connection: self, loop: self.shared.loop, isHead: head.method == .HEAD, isTLS: self.facts.isTLS,
            startsPaused: startsPaused)
        self.phase = .streaming(exchange)
        self.isBodyWanted = !startsPaused
        if self.isRequestEnded { exchange.body.finish() }
        self.restartWindow()
        let request = StreamedRequest(
            head: head, body: RequestBody(exchange: exchange), connection: self.facts, shares: self.shared.shares)
        let census = self.shared.census
        census.beginHandler()
        self.task = Task(executorPreference: executor) {
            await exchange.run(handler, request)
            census.endHandler()
        }
    }

    /// Of a client that has not signed yet no more is read than came with the head, until somebody asks for it.
    private var isBodyOfStranger: Bool {
        self.standing == .stranger && !self.isRequestEnded && !self.facts.isVerified
            && (self.isCodecInstalled || self.bodyRemaining > UInt64(self.unread.readableBytes))
    }

    private func receiveBody(_ bytes: ByteBuffer) {
        switch self.phase {
        case .gathering(let limitBytes):
            guard self.gathered.readableBytes + bytes.readableBytes <= limitBytes else {
                return self.refuse(.bodyTooLarge(limitBytes: limitBytes))
            }
            guard self.charge(self.gathered.readableBytes + bytes.readableBytes) else { return }
            var bytes = bytes
            if self.gathered.readableBytes == 0 { self.gathered = bytes } else { self.gathered.writeBuffer(&bytes) }
        case .streaming(let exchange):
            self.isBodyWanted = exchange.body.append(bytes)
        case .discarding:
            self.discardLimit -= bytes.readableBytes
            if self.discardLimit < 0 { self.startClosing() }
        case .awaitingHead, .awaitingReply, .closing, .closed: break
        }
    }

    /// Has the service charge what has come of a body. False when it has refused the request.
    private func charge(_ receivedBytes: Int) -> Bool {
        guard let charged = self.shared.service.charge(receivedBytes, charged: self.chargedBytes) else {
            self.refuse(.noRoom)
            return false
        }
        self.chargedBytes = charged
        return true
    }

    private func receiveEnd() {
        self.isRequestEnded = true
        switch self.phase {
        case .gathering: self.respond()
        case .streaming(let exchange): exchange.body.finish()
        case .discarding: self.awaitNextHead()
        case .awaitingHead, .awaitingReply, .closing, .closed: break
        }
    }

    private func respond() {
        guard let head = self.head else { return }
        let request = GatheredRequest(
            head: head, body: self.gathered, connection: self.facts, arrivedNanoseconds: self.arrivedNanoseconds,
            chargedBytes: self.chargedBytes)
        self.gathered = ByteBuffer()
        self.chargedBytes = 0
        self.deadline = .max
        self.phase = .awaitingReply
        switch self.shared.service.respond(to: request) {
        case .now(let response): self.answer(response)
        case .later(let take): take(ReplyHandle(connection: self, serial: self.serial, loop: self.shared.loop))
        }
    }

    /// The reader of a streamed body wants more than has come.
    func bodyAsked(by exchange: StreamExchange) {
        guard case .streaming(let current) = self.phase, current === exchange, !self.isRequestEnded else { return }
        if self.owesContinue, !self.isAnswerStarted {
            self.writeContinue()
            self.flush()
        }
        self.isBodyWanted = true
        self.restartWindow()
        self.resumeInput()
    }

    // MARK: From one request to the next

    /// Parses on, after something that held it back has gone.
    func resumeInput() {
        let wasInRead = self.isInRead
        // What waited behind another request of its connection begins now.
        self.arrivedNanoseconds = self.shared.roundNanoseconds
        if self.isCodecInstalled {
            self.handleWaiting()
        } else {
            self.parse()
            self.compact()
        }
        if self.isInputClosed { self.endInput() }
        self.isInRead = wasInRead
        if !wasInRead {
            self.noteIncompleteHead(codecHolds: false)
            self.flush()
        }
        self.resumeReading()
    }

    func awaitNextHead() {
        self.noteStanding()
        self.phase = .awaitingHead
        self.head = nil
        self.task = nil
        self.deadline = self.shared.idleDeadline
        if self.shared.isDraining { self.startClosing() }
    }

    /// Received and not begun.
    var isMoreWaiting: Bool { self.unread.readableBytes > 0 || !self.events.isEmpty }

    /// A head that has begun must end in time.
    ///
    /// - Parameter codecHolds: the codec has bytes from which it made nothing yet.
    func noteIncompleteHead(codecHolds: Bool) {
        guard case .awaitingHead = self.phase, !self.isOutputBlocked, self.unread.readableBytes > 0 || codecHolds
        else { return }
        if !self.isHeadStarted {
            self.isHeadStarted = true
            self.deadline = self.shared.headDeadline
        }
        self.chargeHead(codecHolds ? self.shared.limits.headBytes : self.unread.storageCapacity)
    }
}
