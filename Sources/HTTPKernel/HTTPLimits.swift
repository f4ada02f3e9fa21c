/// What one client may take of a server. Each limit has an answer or closes the connection; none is unbounded.
package struct HTTPLimits: Sendable {
    /// The request line and all fields together, in bytes; beyond it 431.
    package var headBytes = 32 * 1024
    /// Fields of one request; beyond it 431.
    package var fieldCount = 128
    /// How much of an unread body is read and dropped to keep a connection; beyond it the connection is closed.
    package var drainBytes = 1 << 20
    /// From a head's first byte to its last; beyond it 408. A TLS handshake has as long, from the connection's begin.
    package var headTimeout: Duration = .seconds(10)
    /// Within each such window `bodyWindowBytes` of a body, or its rest, must arrive; beyond it 408.
    package var bodyTimeout: Duration = .seconds(30)
    package var bodyWindowBytes = 4 * 1024
    /// Without a request for so long, the connection is closed.
    package var idleTimeout: Duration = .seconds(75)
    /// While an answer waits, `writeWindowBytes` of it must be taken within each such window; beyond it the connection is closed.
    /// A quarter of the time while the account of memory is tight.
    package var writeTimeout: Duration = .seconds(60)
    package var writeWindowBytes = 1
    /// Connections at once over all listeners; one more is closed at once.
    package var connectionCount = 10_000

    package init() {}

    /// A head that is not whole yet and holds more than this is charged to the account of memory, where there is one.
    static let freeHeadBytes = 8 * 1024
    /// The same for answers that wait for the client behind a request that is done.
    static let freeOutputBytes = 16 * 1024
    /// How long the rest of a refused request is read and dropped, so that the client sees the answer and no reset.
    static let lingerTimeout: Duration = .seconds(2)
    /// Between a retiring server's last accepted connections and its drain: they were made to send a request at once.
    static let lastRequestsTime: Duration = .milliseconds(250)
    /// How long a server that stops waits for handlers that were cancelled.
    static let handlerGrace: Duration = .seconds(10)
    /// A streamed body's bytes that wait for the handler before reading stops (one receive buffer may come on top).
    package static let bodyQueueBytes = 256 * 1024
    /// The most that one read takes in.
    package static let receiveBytes = 64 * 1024
    /// An answer's bytes that wait for the socket before the handler is suspended, and where it goes on.
    package static let outputHighBytes = 512 * 1024
    package static let outputLowBytes = 128 * 1024
}
