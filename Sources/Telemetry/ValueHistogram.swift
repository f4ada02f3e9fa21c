/// What values came, counted in fixed buckets that suit probabilities, click rates above all, and still tell the size of
/// anything else.
package struct ValueHistogram: Sendable {
    /// The upper end of each bucket but the last, which has none and takes NaN too.
    package static let bounds: InlineArray<23, Double> = [
        -100, -10, -1, 0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 10,
        100,
        1000,
    ]

    private var counts = InlineArray<24, UInt64>(repeating: 0)
    /// Of the finite ones: one that is not would hide all others.
    package private(set) var sum = 0.0

    package init() {}

    package var count: UInt64 {
        var sum: UInt64 = 0
        for index in counts.indices { sum &+= counts[index] }
        return sum
    }

    package mutating func observe(_ values: Span<Double>) {
        let bounds = Self.bounds
        for index in values.indices {
            let value = values[index]
            // The first bucket whose bound is not below the value, by halving.
            var low = 0
            var high = bounds.count
            while low < high {
                let middle = (low + high) / 2
                if value <= bounds[middle] { high = middle } else { low = middle + 1 }
            }
            counts[low] &+= 1
            if value.isFinite { sum += value }
        }
    }

    package mutating func add(_ other: ValueHistogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sum += other.sum
    }

    package var buckets: HistogramBuckets {
        let bounds = Self.bounds
        return HistogramBuckets(
            bounds: bounds.indices.map { bounds[$0] }, counts: counts.indices.map { counts[$0] }, sum: sum)
    }
}
