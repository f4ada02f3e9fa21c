import DurableFiles
import Logging
import ServiceLifecycle
import Telemetry

/// Says when a process comes near its hard limit of descriptors: once for each time that it does.
struct DescriptorWatch: Service {
    let logger: Logger
    var interval: Duration = .seconds(1)
    var count: @Sendable () -> Int? = { OpenDescriptors.count }
    var limit: @Sendable () -> Int = { OpenDescriptors.limit }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var episode = Episode()
            while !Task.isCancelled {
                let limit = limit()
                if let count = count(), episode.begins(count: count, limit: limit) {
                    logger.warning(
                        "descriptors nearly used up", metadata: [LogKey.count: "\(count)", LogKey.limit: "\(limit)"])
                }
                // A stop ends the pause, and the loop around it.
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// From more than four fifths of the limit to less than seven tenths.
    struct Episode {
        private var isOn = false

        /// Whether this is the first look of an episode.
        mutating func begins(count: Int, limit: Int) -> Bool {
            if isOn {
                isOn = count * 10 >= limit * 7
                return false
            }
            isOn = count * 10 > limit * 8
            return isOn
        }
    }
}
