package import NIOCore
import NIOHTTP1

/// What a server answers with.
///
/// There is one instance for each event loop and every call to it comes on that loop, so its state needs no lock. A call
/// must not block: slow work goes to a streamed handler's executor, or to a worker that completes a ``ReplyHandle``.
package protocol HTTPService: AnyObject {
    /// The head has arrived: says how the request is to be answered.
    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route
    /// The whole body of a request routed to `.gather` is here.
    func respond(to request: GatheredRequest) -> Answer
    /// A request routed to `.gather` will not come to ``respond(to:)``: its body was cut off, too slow or too large, or the
    /// client has gone.
    func gatheringFailed(_ head: RequestHead)
    /// The answer to a request that could not be read, or whose handler failed.
    ///
    /// - Parameter head: nil when not even the head could be read.
    func response(for error: HTTPKernelError, head: RequestHead?) -> Response
}

extension HTTPService {
    package func gatheringFailed(_ head: RequestHead) {}

    /// One line of text.
    package func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        Response(
            ResponseHead(error.status, [("content-type", "text/plain; charset=utf-8")]),
            body: ByteBuffer(string: "\(error)\n"))
    }
}

/// How a request is answered.
package enum Route {
    /// The body is gathered on the loop and handed over whole; beyond the limit it is refused with 413.
    case gather(limitBytes: Int)
    /// A task on that executor reads the body as it comes and writes the answer; it may block if the executor allows it.
    case stream(on: any TaskExecutor, @Sendable (StreamedRequest, ResponseWriter) async throws -> Void)
    /// The answer needs no body. One that comes all the same is dropped, within bounds.
    case respond(Response)
}

/// The answer to a gathered request.
package enum Answer {
    case now(Response)
    /// Takes the handle; whoever completes it, from any thread, answers. Until then nothing else is read from the connection.
    case later((ReplyHandle) -> Void)
}

/// A request with all its body.
package struct GatheredRequest: Sendable {
    package let head: RequestHead
    package let body: ByteBuffer
    package let connection: ConnectionFacts
}

/// A request whose body is still coming.
package struct StreamedRequest: Sendable {
    package let head: RequestHead
    package let body: RequestBody
    package let connection: ConnectionFacts
}

/// Where a request came in. One object for all requests of a connection, so that handing it on costs one reference.
package final class ConnectionFacts: Sendable {
    /// Rises over the server's life; for logs.
    package let id: UInt64
    package let peer: SocketAddress?
    package let local: SocketAddress?
    package let isTLS: Bool
    /// The listener's label.
    package let listener: String

    init(id: UInt64, peer: SocketAddress?, local: SocketAddress?, isTLS: Bool, listener: String) {
        self.id = id
        self.peer = peer
        self.local = local
        self.isTLS = isTLS
        self.listener = listener
    }
}
