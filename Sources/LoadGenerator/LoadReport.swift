package import Histogram

/// What a load saw: latencies from the moment at which each request was due.
///
/// A request that could not be sent when it was due because the connection still waited for an earlier answer counts from
/// when it was due. A server that stalls is therefore charged with every request that the stall delayed.
package struct LoadReport: Sendable {
    /// Nanoseconds, three significant digits.
    package var latencies = Histogram<UInt64>(highestTrackableValue: 60_000_000_000)
    package var answeredCount = 0
    package var failedCount = 0
    /// Answers with a status other than 200, and failures to send or receive, by their text.
    package var failures: [String: Int] = [:]  // text: shown only
    /// How many answers each model version gave.
    package var versions: [String: Int] = [:]  // text: shown only
    /// When each version was first seen, in nanoseconds since the load began.
    package var firstSeenNanoseconds: [String: UInt64] = [:]  // text: shown only
    /// From the first due time to the last answer.
    package var elapsedNanoseconds: UInt64 = 0

    package init() {}

    package mutating func add(_ other: LoadReport) {
        latencies.add(other.latencies)
        answeredCount += other.answeredCount
        failedCount += other.failedCount
        failures.merge(other.failures, uniquingKeysWith: +)
        versions.merge(other.versions, uniquingKeysWith: +)
        firstSeenNanoseconds.merge(other.firstSeenNanoseconds, uniquingKeysWith: min)
        elapsedNanoseconds = max(elapsedNanoseconds, other.elapsedNanoseconds)
    }

    package var answeredPerSecond: Double {
        elapsedNanoseconds == 0 ? 0 : Double(answeredCount) / (Double(elapsedNanoseconds) / 1e9)
    }

    /// A latency in microseconds; 0 when nothing was answered.
    package func microseconds(atPercentile percentile: Double) -> Double {
        answeredCount == 0 ? 0 : Double(latencies.valueAtPercentile(percentile)) / 1000
    }
}
