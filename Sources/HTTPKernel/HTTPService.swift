package import NIOCore
import NIOHTTP1
import Synchronization

/// What a server answers with.
///
/// There is one instance for each event loop and every call to it comes on that loop, so its state needs no lock. A call
/// must not block: slow work goes to a streamed handler's executor, or to a worker that completes a ``ReplyHandle``.
package protocol HTTPService: AnyObject {
    /// The head has arrived: says how the request is to be answered.
    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route
    /// The whole body of a request routed to `.gather` is here.
    func respond(to request: GatheredRequest) -> Answer
    /// More is here of a body that is being gathered. What is charged for it stays so until the service has the request, or is
    /// told by ``giveBack(_:)`` that it will not come.
    ///
    /// - Parameters:
    ///   - receivedBytes: of the body so far.
    ///   - chargedBytes: what the call before returned.
    /// - Returns: what is charged now; nil when there is no room, and the request is refused with ``HTTPKernelError/noRoom``.
    func charge(_ receivedBytes: Int, charged chargedBytes: Int) -> Int?
    /// A request will not come to ``respond(to:)``: its body was cut off, too slow or too large, or the client has gone.
    func giveBack(_ chargedBytes: Int)
    /// The answer to a request that could not be read, or whose handler failed.
    ///
    /// - Parameter head: nil when not even the head could be read.
    func response(for error: HTTPKernelError, head: RequestHead?) -> Response
}

extension HTTPService {
    package func charge(_ receivedBytes: Int, charged chargedBytes: Int) -> Int? { 0 }

    package func giveBack(_ chargedBytes: Int) {}

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
    /// When its loop learned that its last byte is there; nanoseconds of `NIODeadline`'s clock. From then on it has waited for
    /// what the loop did first.
    package let arrivedNanoseconds: UInt64
    /// What ``HTTPService/charge(_:charged:)`` has charged for the body; the service's to give back.
    package var chargedBytes = 0
}

/// A request whose body is still coming.
package struct StreamedRequest: Sendable {
    package let head: RequestHead
    package let body: RequestBody
    package let connection: ConnectionFacts
    /// The server's accounts; nil where it keeps none.
    package var shares: ConnectionShares?
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
    private let hasSigned = Atomic<Bool>(false)

    init(id: UInt64, peer: SocketAddress?, local: SocketAddress?, isTLS: Bool, listener: String) {
        self.id = id
        self.peer = peer
        self.local = local
        self.isTLS = isTLS
        self.listener = listener
    }

    /// Whether a request on it was found to be of someone known.
    package var isVerified: Bool { self.hasSigned.load(ordering: .relaxed) }

    /// The service knows who asks: from now on the connection has a signer's share. From any thread.
    package func noteVerified() {
        if !self.isVerified { self.hasSigned.store(true, ordering: .relaxed) }
    }
}
