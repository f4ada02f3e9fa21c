import HTTPKernel
package import Logging
import NIOHTTP1
package import NIOPosix
import Names
import Synchronization
import Telemetry

/// One line for every n-th request or call, written away from the loops: a log that nobody reads in time must not hold an answer back.
package final class AccessLog: Sendable {
    /// Lines that wait to be written; more are dropped, and the next one written says how many.
    private static let limitCount = 1000

    /// Every n-th request has a line; 0 is none at all.
    let sample: Int
    private let logger: Logger
    private let thread: NIOThreadPool
    private let waitingCount = Atomic(0)
    private let droppedCount = Atomic(0)

    /// - Parameter thread: one thread, running, so that lines keep their order.
    package init(sample: Int, logger: Logger, thread: NIOThreadPool) {
        self.sample = sample
        self.logger = logger
        self.thread = thread
    }

    /// What was asked, and how it was answered.
    enum Subject: Sendable {
        case http(RequestHead?, HTTPResponseStatus)
        /// A call of gRPC and the number of its status, which is none of HTTP's.
        case call(path: String, status: Int)
    }

    struct Line: Sendable {
        let subject: Subject
        var model: (name: Name, version: String)?
        var rowCount = 0
        var receivedBytes = 0
        var sentBytes = 0
        var nanoseconds: UInt64 = 0
        var inferenceID: String?

        init(_ subject: Subject) { self.subject = subject }
    }

    func write(_ line: Line) {
        guard waitingCount.load(ordering: .relaxed) < Self.limitCount else {
            droppedCount.add(1, ordering: .relaxed)
            return
        }
        waitingCount.add(1, ordering: .relaxed)
        thread.submit { [self] _ in
            waitingCount.subtract(1, ordering: .relaxed)
            logger.info("request", metadata: metadata(line))
        }
    }

    private func metadata(_ line: Line) -> Logger.Metadata {
        var facts: Logger.Metadata = [
            LogKey.receivedBytes: "\(line.receivedBytes)", LogKey.sentBytes: "\(line.sentBytes)",
            LogKey.duration: "\(Double(line.nanoseconds) / 1e6)",
        ]
        switch line.subject {
        case .http(let head, let status):
            facts[LogKey.status] = "\(status.code)"
            guard let head else { break }
            facts[LogKey.method] = "\(head.method.rawValue)"
            facts[LogKey.requestPath] = "\(head.target.bytePrefix(upTo: "?").prefix(200))"
        case .call(let path, let status):
            facts[LogKey.callStatus] = "\(status)"
            facts[LogKey.method] = "POST"
            facts[LogKey.requestPath] = "\(path)"
        }
        if let model = line.model {
            facts[LogKey.model] = "\(model.name)"
            facts[LogKey.modelVersion] = "\(model.version)"
            facts[LogKey.rows] = "\(line.rowCount)"
        }
        if let id = line.inferenceID { facts[LogKey.inferenceID] = "\(id)" }
        let dropped = droppedCount.exchange(0, ordering: .relaxed)
        if dropped > 0 { facts[LogKey.dropped] = "\(dropped)" }
        return facts
    }
}
