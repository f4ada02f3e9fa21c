import NIOCore

/// One streamed request and its answer: what the handler's task and the connection's loop share.
final class StreamExchange: Sendable {
    let body: BodyQueue
    let output = OutputQueue()
    /// The answer's body is not sent: the request is HEAD.
    let isHead: Bool
    /// File ranges are copied, not sent by the kernel.
    let isTLS: Bool
    private let loop: any EventLoop
    private let connection: NIOLoopBound<HTTPConnection>

    init(connection: HTTPConnection, loop: any EventLoop, isHead: Bool, isTLS: Bool, startsPaused: Bool) {
        self.body = BodyQueue(isPaused: startsPaused)
        self.isHead = isHead
        self.isTLS = isTLS
        self.loop = loop
        self.connection = NIOLoopBound(connection, eventLoop: loop)
    }

    /// The reader wants more than has come.
    func askForBody() {
        self.loop.execute { self.connection.value.bodyAsked(by: self) }
    }

    /// Steps of the answer are waiting.
    func wake() {
        self.loop.execute { self.connection.value.perform(self) }
    }

    /// Runs the handler to its end. The connection owns the task that calls this.
    func run(
        _ handler: @Sendable (StreamedRequest, ResponseWriter) async throws -> Void, _ request: StreamedRequest
    ) async {
        var finish = OutputQueue.Finish.returned
        do {
            try await handler(request, ResponseWriter(self))
        } catch {
            finish = .threw(error)
        }
        if self.output.finish(finish) { self.wake() }
    }

    /// The connection is gone.
    func abandon() {
        self.body.fail(.connectionClosed)
        self.output.fail(.connectionClosed)
    }
}
