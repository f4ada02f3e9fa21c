import Logging
import Synchronization

/// What a logger was given.
final class Records: Sendable {
    private let lines = Mutex<[[String: String]]>([])

    var all: [[String: String]] { lines.withLock { $0 } }

    /// The first line, which is then gone from here.
    func take() -> [String: String] { lines.withLock { $0.removeFirst() } }

    var handler: Handler { Handler(records: self) }

    struct Handler: LogHandler {
        let records: Records
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            records.lines.withLock { lines in
                lines.append((event.metadata ?? [:]).mapValues { "\($0)" })
            }
        }
    }
}
