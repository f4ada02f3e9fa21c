package import ModelTypes

/// What a sidecar is told at its start.
package struct SyncConfiguration: Sendable {
    /// Before each key; empty for the whole bucket.
    package var prefix = ""
    /// The control sockets of the executors.
    package var executors: [String] = []
    /// Artifacts larger than this are refused before they are read.
    package var artifactLimitBytes: UInt64 = 4 << 30
    /// How many models are fetched and prepared at once.
    package var preparationCount = 2
    /// Between two listings of a store without a feed.
    package var pollInterval: Duration = .seconds(5)
    /// Between attempts to reach the store: twice as long each time, up to the longest.
    package var shortestPause: Duration = .milliseconds(100)
    package var longestPause: Duration = .seconds(5)

    /// Runs graphs that are not translated; nil where none may be served.
    package var graphRuntime: (any GraphRuntime)?

    package init() {}
}
