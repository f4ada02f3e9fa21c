import HTTPKernel
import Logging
import NIOHTTP1
import Names
import S3Wire
import Telemetry

/// What the log says of one request. Never its query, which may hold a signature, nor its headers; only the name of one that is refused.
struct AccessRecord {
    let requestID: String
    let method: String
    /// The path as sent.
    let resource: String
    private let connection: ConnectionFacts
    private let body: RequestBody
    private let announcesBody: Bool
    var operation: S3Operation?
    var status = HTTPResponseStatus.ok
    var error: S3ErrorCode?
    /// Which header, parameter or element the request was refused for.
    var refused: String?
    var sentBytes: UInt64 = 0
    /// Whether the connection ended before the answer did.
    var isCut = false

    init(requestID: String, exchange: StreamedRequest) {
        self.requestID = requestID
        self.method = exchange.head.method.rawValue
        self.resource = String(exchange.head.target.bytePrefix(upTo: "?"))
        self.connection = exchange.connection
        self.body = exchange.body
        self.announcesBody = exchange.head.isChunked || exchange.head.contentLength != nil
    }

    func write(to logger: Logger, duration: Duration, cause: (any Error)?) {
        logger.info(isCut ? "request cut" : "request", metadata: facts(duration, cause))
    }

    private func facts(_ duration: Duration, _ cause: (any Error)?) -> Logger.Metadata {
        let peer = connection.peer.map { "\($0)" } ?? connection.listener
        let microseconds = duration / .microseconds(1)
        var facts: Logger.Metadata = [
            LogKey.requestID: "\(requestID)", LogKey.method: "\(method)", LogKey.target: "\(resource)",
            LogKey.peer: "\(peer)",
            LogKey.status: "\(status.code)", LogKey.sentBytes: "\(sentBytes)",
            LogKey.duration: "\((microseconds / 10).rounded() / 100)",
        ]
        if let operation { facts[LogKey.operation] = "\(operation.rawValue)" }
        // What came, which may be less than what was announced.
        if announcesBody { facts[LogKey.receivedBytes] = "\(body.receivedBytes)" }
        if let error { facts[LogKey.reason] = "\(error.rawValue)" }
        if let refused { facts[LogKey.refused] = "\(refused)" }
        if let cause { facts[LogKey.error] = "\(cause)" }
        return facts
    }
}
