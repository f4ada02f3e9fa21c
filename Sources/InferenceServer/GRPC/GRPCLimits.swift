import Glibc
import HTTPKernel

/// What gRPC clients may take of the server beyond what ``InferenceLimits`` says of requests. The times are those of the other
/// sockets where they mean the same; all are in ticks of a second.
struct GRPCLimits: Sendable {
    /// Of one message.
    var messageBytes: Int
    /// Connections at once over all loops; one more is closed at once.
    var connectionCount: Int
    /// Calls that one connection may have open at once; clients hold further ones back.
    var streamCount = 256
    /// Calls that may be open on one loop; one more is refused. Each may hold its head (16 KiB) and messages that a loop answers at once.
    var loopStreamCount = 4096
    /// How much a client may send on a connection or a call before it was read.
    var windowBytes = 256 << 10
    /// A connection without a call for so long is closed.
    var idleSeconds: Int
    /// Within each such window 4 KiB of a message, or its rest, must arrive.
    var messageSeconds: Int
    /// A `ModelStreamInfer` may be silent between its messages for so long.
    var pauseSeconds = 600
    /// An answer of which no byte is taken for so long ends its call; a full socket, its connection.
    var answerSeconds: Int
    /// The peer is asked for a sign of life after so long without one.
    var silenceSeconds = 60
    /// For an answer to that, and for the goodbyes of a connection that is asked to close.
    var graceSeconds = 5

    /// Message bytes that must arrive within each window.
    static let progressBytes = 4 << 10

    init(_ limits: InferenceLimits, _ http: HTTPLimits = HTTPLimits()) {
        messageBytes = limits.bodyBytes
        // Half of the descriptors are for the other sockets and the models.
        connectionCount = max(16, min(http.connectionCount, Self.descriptorCount() / 2))
        idleSeconds = Self.seconds(http.idleTimeout)
        messageSeconds = Self.seconds(http.bodyTimeout)
        answerSeconds = Self.seconds(http.writeTimeout)
    }

    /// What a `ModelStreamInfer` is charged while a message of it waits for its answer: as much again as was sent ahead may lie unread.
    var streamingBytes: Int { 2 * windowBytes }

    private static func seconds(_ duration: Duration) -> Int { max(1, Int(duration.components.seconds)) }

    private static func descriptorCount() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        return Int(clamping: limit.rlim_cur)
    }
}
