import Names
import Telemetry

/// All loops' numbers as one page for Prometheus.
struct MetricsPage {
    private var statistics = LoopStatistics()
    private let inFlightCount: Int
    private let pendingBytes: Int
    private var models: [LoopReading.Model] = []
    private let swapCount: UInt64
    private let liveCount: Int
    private let startSeconds: Double

    init(
        _ readings: [LoopReading], inFlightCount: Int, pendingBytes: Int, swapCount: UInt64, liveCount: Int,
        startSeconds: Double
    ) {
        self.inFlightCount = inFlightCount
        self.pendingBytes = pendingBytes
        self.swapCount = swapCount
        self.liveCount = liveCount
        self.startSeconds = startSeconds
        struct Key: Hashable {
            let name: Name
            let version: Name
        }
        var byKey: [Key: ModelStatistics] = [:]
        for reading in readings {
            statistics.add(reading.statistics)
            for model in reading.models {
                byKey[Key(name: model.name, version: Name(model.version)), default: ModelStatistics()].add(
                    model.statistics)
            }
        }
        models = byKey.sorted { ($0.key.name, $0.key.version) < ($1.key.name, $1.key.version) }
            .map { LoopReading.Model(name: $0.key.name, version: $0.key.version.text, statistics: $0.value) }
    }

    func text(_ usage: ProcessUsage) -> String {
        var page = PrometheusText()
        writeRequests(&page)
        writeModels(&page)
        page.begin(MetricName.swaps, .counter, "Images that went live, the first of each model included.")
        page.add(swapCount)
        page.begin(MetricName.liveModels, .gauge, "Models that answer now.")
        page.add(UInt64(liveCount))
        page.begin(MetricName.cpuSeconds, .counter, "Processor time of all threads.")
        page.add(usage.cpuSeconds)
        page.begin(MetricName.residentBytes, .gauge, "Resident memory, mapped images included.")
        page.add(usage.residentBytes)
        page.begin(MetricName.startSeconds, .gauge, "When the process began, in seconds since 1970.")
        page.add(startSeconds)
        return page.text
    }

    private func writeRequests(_ page: inout PrometheusText) {
        page.begin(MetricName.requests, .counter, "Requests for predictions, by what became of them.")
        page.add(statistics.answeredCount, [("outcome", "answered")])
        for kind in Refusal.Kind.allCases { page.add(statistics.refusals[kind], [("outcome", "\(kind)")]) }
        page.begin(MetricName.queueDuration, .histogram, "How long large requests waited for a worker thread.")
        page.add(statistics.queue.buckets)
        page.begin(MetricName.requestsInFlight, .gauge, "Large requests that wait for a worker thread or are with one.")
        page.add(UInt64(inFlightCount))
        page.begin(MetricName.pendingBytes, .gauge, "Bytes of large bodies, whole or still coming.")
        page.add(UInt64(pendingBytes))
    }

    private func writeModels(_ page: inout PrometheusText) {
        page.begin(
            MetricName.requestDuration, .histogram,
            "From when its loop learned of a request to its predictions, by the live version that made them.")
        for model in models { page.add(model.statistics.duration.buckets, Self.labels(model)) }
        page.begin(MetricName.rows, .counter, "Rows scored by a live version.")
        for model in models { page.add(model.statistics.rowCount, Self.labels(model)) }
        page.begin(MetricName.modelFailures, .counter, "Requests that reached a live version and got no prediction.")
        for model in models {
            for kind in Refusal.Kind.allCases where model.statistics.refusals[kind] > 0 {
                page.add(model.statistics.refusals[kind], Self.labels(model) + [("kind", "\(kind)")])
            }
        }
        page.begin(MetricName.prediction, .histogram, "The predictions of a live version; all outputs of a row count.")
        for model in models { page.add(model.statistics.scores.buckets, Self.labels(model)) }
    }

    private static func labels(_ model: LoopReading.Model) -> PrometheusText.Labels {
        [("model", model.name.text), ("version", model.version)]
    }
}
