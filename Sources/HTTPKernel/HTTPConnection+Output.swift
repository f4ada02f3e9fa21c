import NIOCore
import NIOHTTP1

/// From answers to bytes.
///
/// Heads and small bodies of all answers of one burst are laid into one buffer, which goes out in one write; larger bodies
/// and files follow it in order.
extension HTTPConnection {
    /// Bodies up to this size are copied behind their head; larger ones are handed over as they are.
    private static var copiedBodyBytes: Int { 16 * 1024 }
    /// With so many bytes of answers to one burst, the burst waits until the client takes them.
    private static var burstBytes: Int { 256 * 1024 }

    // MARK: Whole answers

    /// Answers the request in work.
    func answer(_ response: Response) {
        self.writeWhole(response)
        self.finishAnswer()
    }

    /// Refuses whatever is in work: the answer is the service's, and the connection ends with it.
    func refuse(_ error: HTTPKernelError) {
        self.giveBack()
        var response = self.shared.service.response(for: error, head: self.head)
        response.isClosing = true
        // Whatever is still on its way belongs to nothing any more.
        self.isRequestEnded = false
        self.answer(response)
    }

    func reply(_ response: Response?, serial: UInt64) {
        guard case .awaitingReply = self.phase, serial == self.serial else { return }
        self.answer(response ?? self.shared.service.response(for: .noAnswer, head: self.head))
        self.resumeInput()
    }

    private func writeWhole(_ response: Response) {
        self.settle(closing: response.isClosing)
        let isHead = self.head?.method == .HEAD
        let isBodyless = response.head.isBodyless
        let isUnframed = isBodyless && response.declaredLength == nil
        self.writeHead(response.head, framing: isUnframed ? .none : .length(response.contentLength))
        guard !isHead, !isBodyless, response.body.readableBytes > 0 else { return }
        if response.body.readableBytes <= Self.copiedBodyBytes {
            self.output.writeImmutableBuffer(response.body)
        } else {
            self.pushOutput()
            self.hand(.byteBuffer(response.body), promise: nil)
        }
    }

    // MARK: Streamed answers

    /// Performs what the handler has queued.
    func perform(_ exchange: StreamExchange) {
        guard case .streaming(let current) = self.phase, current === exchange else { return exchange.abandon() }
        let batch = exchange.output.take()
        for output in batch.outputs { self.perform(output, of: exchange) }
        self.flush()
        if let finish = batch.finish { self.finishStream(exchange, finish) }
    }

    private func perform(_ output: Output, of exchange: StreamExchange) {
        switch output {
        case .whole(let response):
            self.writeWhole(response)
            self.isStreamAnswered = true
        case .start(let head, let length): self.startStream(head, length, isHead: exchange.isHead)
        case .bytes(let bytes): self.writeBody(bytes, of: exchange)
        case .file(let span): self.writeFile(span)
        case .end:
            if self.isChunking, !self.suppressesBody { self.output.writeStaticString("0\r\n\r\n") }
            self.isStreamAnswered = true
        }
    }

    private func startStream(_ head: ResponseHead, _ length: BodyLength, isHead: Bool) {
        let isVersion10 = self.head?.isVersion10 ?? false
        self.suppressesBody = isHead || head.isBodyless
        switch length {
        case .known(let count):
            self.settle(closing: false)
            self.writeHead(head, framing: head.isBodyless && head.status.code != 304 ? .none : .length(count))
        case .unknown:
            self.isChunking = !isVersion10
            self.settle(closing: isVersion10 && !self.suppressesBody)
            self.writeHead(head, framing: self.isChunking && !head.isBodyless ? .chunks : .none)
        }
    }

    private func writeBody(_ bytes: ByteBuffer, of exchange: StreamExchange) {
        let count = bytes.readableBytes
        guard !self.suppressesBody, self.context != nil else { return exchange.output.sent(count) }
        if self.isChunking { self.writeChunkHead(UInt64(count)) }
        self.pushOutput()
        let promise = self.shared.loop.makePromise(of: Void.self)
        // A write that fails comes with the end of the channel, where the exchange is abandoned.
        promise.futureResult.whenComplete { _ in exchange.output.sent(count) }
        self.hand(.byteBuffer(bytes), promise: promise)
        if self.isChunking { self.output.writeStaticString("\r\n") }
    }

    private func writeFile(_ span: FileSpan) {
        guard !self.suppressesBody, self.context != nil else { return span.sent.resume(returning: nil) }
        if self.isChunking { self.writeChunkHead(span.count) }
        self.pushOutput()
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: span.descriptor)
        let region = FileRegion(
            fileHandle: handle, readerIndex: Int(span.offset), endIndex: Int(span.offset + span.count))
        let promise = self.shared.loop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { result in
            // The descriptor was lent: the handle forgets it and does not close it.
            do { _ = try handle.takeDescriptorOwnership() } catch {
                preconditionFailure("a descriptor in use: \(error)")
            }
            switch result {
            case .success: span.sent.resume(returning: nil)
            case .failure: span.sent.resume(returning: .connectionClosed)
            }
        }
        self.hand(.fileRegion(region), promise: promise)
        if self.isChunking { self.output.writeStaticString("\r\n") }
    }

    private func writeChunkHead(_ count: UInt64) {
        self.output.writeString(String(count, radix: 16))
        self.output.writeStaticString("\r\n")
    }

    /// The handler has ended.
    private func finishStream(_ exchange: StreamExchange, _ finish: OutputQueue.Finish) {
        if self.isStreamAnswered {
            exchange.body.fail(.connectionClosed)
            self.finishAnswer()
        } else if self.isAnswerStarted {
            // Half an answer must not look whole.
            self.cut()
            return
        } else {
            let error: HTTPKernelError =
                switch finish {
                case .returned: .noAnswer
                case .threw(let error as HTTPKernelError): error
                case .threw(let error): .handlerFailed(error)
                }
            self.answer(self.shared.service.response(for: error, head: self.head))
        }
        self.resumeInput()
    }

    // MARK: The end of an answer

    /// Goes on to the next request, or to the end of the connection.
    private func finishAnswer() {
        if !self.isKept {
            self.startClosing()
        } else if self.isRequestEnded {
            self.awaitNextHead()
        } else {
            self.phase = .discarding
            self.task = nil
            self.discardLimit = self.shared.limits.drainBytes
            self.restartWindow()
        }
    }

    /// Decides, once per answer, whether the connection is used again.
    private func settle(closing: Bool) {
        self.isAnswerStarted = true
        self.noteStanding()
        guard self.isKept else { return }
        self.isKept =
            !closing && !self.shared.isRetiring && (!self.isInputClosed || self.isMoreWaiting) && self.isRestDrainable
    }

    /// Whether what is left of the body may be read and dropped. A client that was not told to go on may or may not send
    /// its body: the connection is then of no further use.
    private var isRestDrainable: Bool {
        guard !self.isRequestEnded else { return true }
        guard !self.owesContinue else { return false }
        guard let length = self.head?.contentLength else { return true }
        return length <= UInt64(self.shared.limits.drainBytes) || self.isRestSmall
    }

    private var isRestSmall: Bool {
        !self.isCodecInstalled && self.bodyRemaining <= UInt64(self.shared.limits.drainBytes)
    }

    /// Sends what is written to its last byte, then closes.
    func startClosing() {
        guard let context = self.context else { return }
        self.phase = .closing
        self.task = nil
        self.deadline = .max
        self.events.removeAll()
        self.unread = ByteBuffer()
        self.gathered = ByteBuffer()
        let promise = self.shared.loop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: self.shared.loop)
        promise.futureResult.whenComplete { _ in bound.value.closeAfterLastByte() }
        self.hand(.byteBuffer(self.takeOutput()), promise: promise)
        context.flush()
        self.resumeReading()
    }

    /// Bytes of a refused request that are still on their way would turn the close into a reset, which can take the answer
    /// from the client. So the sending side is closed first, and what comes is dropped until the client closes too.
    private func closeAfterLastByte() {
        guard case .closing = self.phase, let context = self.context else { return }
        guard !self.isRequestEnded, !self.isInputClosed else { return self.cut() }
        self.deadline = self.shared.lingerDeadline
        context.close(mode: .output, promise: nil)
    }

    // MARK: Bytes

    private func writeHead(_ head: ResponseHead, framing: AnswerHead.Framing) {
        let connection: AnswerHead.Connection =
            !self.isKept ? .close : self.head?.isVersion10 ?? false ? .keepAlive : .implied
        AnswerHead.write(
            head, date: self.shared.dateField, framing: framing, connection: connection, to: &self.output)
    }

    func writeContinue() {
        self.owesContinue = false
        self.output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Whether another answer may be written. When the client takes nothing, parsing stops until it does.
    ///
    /// What is laid together here is not all: a body too large to be copied waits in the channel, which says so.
    var hasOutputRoom: Bool {
        guard let context = self.context,
            self.output.readableBytes > Self.burstBytes || self.isOutputBlocked || !context.channel.isWritable
        else { return true }
        self.pushOutput()
        self.isFlushDue = false
        context.flush()
        self.isOutputBlocked = !context.channel.isWritable
        return !self.isOutputBlocked
    }

    /// Hands what is laid together to the channel; it leaves with the next flush.
    private func pushOutput() {
        self.isFlushDue = true
        guard self.output.readableBytes > 0, self.context != nil else { return }
        self.hand(.byteBuffer(self.takeOutput()), promise: nil)
    }

    /// Hands bytes to the channel, which sends them with the next flush.
    private func hand(_ data: IOData, promise: EventLoopPromise<Void>?) {
        self.handedBytes &+= UInt64(data.readableBytes)
        self.context?.write(self.wrapOutboundOut(data), promise: promise)
    }

    private func takeOutput() -> ByteBuffer {
        let taken = self.output
        self.output = ByteBuffer()
        return taken
    }

    /// Sends everything written so far, unless a burst of reads is still going on.
    func flush() {
        guard !self.isInRead, let context = self.context else { return }
        if self.output.readableBytes > 0 {
            self.hand(.byteBuffer(self.output), promise: nil)
            context.flush()
            // The bytes have most often left by now; then the storage is ours alone again and is kept.
            self.output.clear(minimumCapacity: 0)
        } else if self.isFlushDue {
            context.flush()
        }
        self.isFlushDue = false
    }
}
