import Names
import Telemetry

/// What became of a request for predictions.
enum Outcome: Sendable {
    case answered(rowCount: Int)
    case refused(Refusal.Kind)
}

/// How often each kind of refusal happened.
struct RefusalCounts: Sendable {
    private var counts = InlineArray<11, UInt64>(repeating: 0)

    subscript(kind: Refusal.Kind) -> UInt64 { counts[kind.rawValue] }

    mutating func count(_ kind: Refusal.Kind) { counts[kind.rawValue] &+= 1 }

    mutating func add(_ other: RefusalCounts) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }
}

/// What one generation has answered on one loop.
struct ModelStatistics: Sendable {
    private(set) var duration = DurationHistogram()
    private(set) var rowCount: UInt64 = 0
    private(set) var refusals = RefusalCounts()
    var scores = ValueHistogram()

    mutating func note(_ outcome: Outcome, nanoseconds: UInt64) {
        switch outcome {
        case .answered(let rows):
            rowCount &+= UInt64(rows)
            duration.observe(nanoseconds: nanoseconds)
        case .refused(let kind): refusals.count(kind)
        }
    }

    mutating func add(_ other: ModelStatistics) {
        duration.add(other.duration)
        rowCount &+= other.rowCount
        refusals.add(other.refusals)
        scores.add(other.scores)
    }
}

/// What one loop has done: plain numbers that only this loop touches, and that it gives a copy of when asked.
struct LoopStatistics: Sendable {
    private(set) var answeredCount: UInt64 = 0
    private(set) var refusals = RefusalCounts()
    /// How long requests waited for a worker.
    var queue = DurationHistogram()

    mutating func note(_ outcome: Outcome) {
        switch outcome {
        case .answered: answeredCount &+= 1
        case .refused(let kind): refusals.count(kind)
        }
    }

    mutating func add(_ other: LoopStatistics) {
        answeredCount &+= other.answeredCount
        refusals.add(other.refusals)
        queue.add(other.queue)
    }
}

/// A copy of all that a loop counts.
struct LoopReading: Sendable {
    struct Model: Sendable {
        let name: Name
        let version: String
        let statistics: ModelStatistics
    }

    var statistics: LoopStatistics
    var models: [Model]
}
