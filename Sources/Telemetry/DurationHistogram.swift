/// How long things took, counted in fixed buckets: plain numbers, for one thread to count in and others to be given a copy.
package struct DurationHistogram: Sendable {
    /// The upper end of each bucket but the last, which has none: from what a prediction costs to what nobody waits for.
    package static let boundsNanoseconds: InlineArray<18, UInt64> = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 10_000_000_000,
    ]

    private var counts = InlineArray<19, UInt64>(repeating: 0)
    package private(set) var sumNanoseconds: UInt64 = 0

    package init() {}

    package var count: UInt64 {
        var sum: UInt64 = 0
        for index in counts.indices { sum &+= counts[index] }
        return sum
    }

    package mutating func observe(nanoseconds: UInt64) {
        let bounds = Self.boundsNanoseconds
        var bucket = 0
        // Most come to rest within the first few.
        while bucket < bounds.count, nanoseconds > bounds[bucket] { bucket += 1 }
        counts[bucket] &+= 1
        sumNanoseconds &+= nanoseconds
    }

    package mutating func add(_ other: DurationHistogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sumNanoseconds &+= other.sumNanoseconds
    }

    /// As Prometheus wants it, in seconds.
    package var buckets: HistogramBuckets {
        let bounds = Self.boundsNanoseconds
        return HistogramBuckets(
            bounds: bounds.indices.map { Double(bounds[$0]) / 1e9 }, counts: counts.indices.map { counts[$0] },
            sum: Double(sumNanoseconds) / 1e9)
    }
}
