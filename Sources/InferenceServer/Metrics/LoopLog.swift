import HTTPKernel
import NIOCore

/// One loop's share of the log: every so many of its requests have a line. The count is a number of the loop's own; the log
/// itself is shared.
final class LoopLog {
    private let log: AccessLog?
    private let sample: Int
    private var requestsSinceLine = 0

    /// - Parameter log: nil where nothing is logged.
    init(_ log: AccessLog?) {
        self.log = log
        sample = log?.sample ?? 0
    }

    /// Notes the answer to a request; to be called once for each.
    ///
    /// - Parameter facts: what more is known of it; asked only when the request has a line.
    func note(_ response: Response, _ head: RequestHead?, facts: (inout AccessLog.Line) -> Void = { _ in }) {
        note {
            var line = AccessLog.Line(.http(head, response.head.status))
            line.sentBytes = response.body.readableBytes
            facts(&line)
            return line
        }
    }

    /// Notes that something was answered; to be called once for each.
    ///
    /// - Parameter line: asked only when it has one.
    func note(_ line: () -> AccessLog.Line) {
        guard sample > 0 else { return }
        requestsSinceLine += 1
        guard requestsSinceLine >= sample else { return }
        requestsSinceLine = 0
        log?.write(line())
    }
}
