import Glibc
import Scoring

/// Runs batches against the clock.
struct Stopwatch {
    struct Result {
        /// Nanoseconds a row.
        let median: Double
        let p99: Double
        let mean: Double
        let callCount: Int
    }

    private let scorer: Scorer
    private let scratch = ScoringScratch()
    private let pool: [Float]
    private let poolCount: Int
    private let order: [Int]
    private let isDouble = isAsked("LODESTORE_SCORE_DOUBLE")
    private let isMargins = isAsked("LODESTORE_SCORE_MARGINS")
    private var outputs: [Double]
    private var stage32: [Float] = []
    private var stage64: [Double] = []

    init(scorer: Scorer, pool: [Float], poolCount: Int) {
        self.scorer = scorer
        self.pool = pool
        self.poolCount = poolCount
        outputs = []
        // The same shuffle as in score_peers.c, so that every system sees the same rows in the same order.
        var order = Array(0..<poolCount)
        var state: UInt64 = 88_172_645_463_325_252
        for index in stride(from: poolCount - 1, to: 0, by: -1) {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            order.swapAt(index, Int(state % UInt64(index + 1)))
        }
        self.order = order
    }

    mutating func run(batch: Int, seconds: Double) -> Result {
        prepare(batch)
        var position = 0
        let warmUpRows = 10_000
        var seen = 0
        var start = now()
        while now() - start < seconds / 4 || (seen < warmUpRows && now() - start < 2 * seconds) {
            stage(batch, &position)
            score(batch)
            seen += batch
        }
        let overhead = (0..<1000).map { _ in
            let before = now()
            return now() - before
        }.min()!
        var times: [Double] = []
        start = now()
        while true {
            stage(batch, &position)
            let before = now()
            score(batch)
            let after = now()
            times.append(max(0, after - before - overhead))
            if times.count == 4_000_000
                || (after - start > seconds && (times.count >= 30 || after - start > 3 * seconds))
            {
                break
            }
        }
        let mean = times.reduce(0, +) / Double(times.count)
        times.sort()
        func perRow(_ seconds: Double) -> Double { (seconds * 1e10 / Double(batch)).rounded() / 10 }
        return Result(
            median: perRow(times[times.count / 2]), p99: perRow(times[times.count * 99 / 100]), mean: perRow(mean),
            callCount: times.count)
    }

    /// The predictions of the first ten thousand rows, for comparisons.
    mutating func writeOutputs(to path: String) {
        guard let file = fopen(path, "wb") else { die("cannot write \(path)") }
        let batch = min(500, poolCount)
        prepare(batch)
        let width = scorer.featureCount
        for start in stride(from: 0, to: min(poolCount, 10_000) - batch + 1, by: batch) {
            for index in 0..<batch * width {
                stage32[index] = pool[start * width + index]
                if isDouble { stage64[index] = Double(stage32[index]) }
            }
            score(batch)
            fwrite(outputs, 8, batch * (isMargins ? scorer.marginCount : scorer.outputCount), file)
        }
        fclose(file)
    }

    private mutating func prepare(_ batch: Int) {
        stage32 = Array(repeating: 0, count: batch * scorer.featureCount)
        stage64 = Array(repeating: 0, count: isDouble ? batch * scorer.featureCount : 0)
        outputs = Array(repeating: 0, count: batch * max(scorer.outputCount, scorer.marginCount))
    }

    /// Copies the next rows of the shuffled pool to where they are scored: hot, as a request just read is.
    private mutating func stage(_ batch: Int, _ position: inout Int) {
        let width = scorer.featureCount
        pool.withUnsafeBufferPointer { pool in
            stage32.withUnsafeMutableBufferPointer { stage in
                for row in 0..<batch {
                    let from = pool.baseAddress! + order[position] * width
                    (stage.baseAddress! + row * width).update(from: from, count: width)
                    position = position + 1 == poolCount ? 0 : position + 1
                }
            }
        }
        if isDouble { for index in stage32.indices { stage64[index] = Double(stage32[index]) } }
    }

    private mutating func score(_ batch: Int) {
        switch (isDouble, isMargins) {
        case (false, false): Self.predict(scorer, stage32, batch, &outputs, scratch)
        case (true, false): Self.predict(scorer, stage64, batch, &outputs, scratch)
        case (false, true): Self.margins(scorer, stage32, batch, &outputs, scratch)
        case (true, true): Self.margins(scorer, stage64, batch, &outputs, scratch)
        }
    }

    private static func predict(
        _ scorer: Scorer, _ rows: [Float], _ batch: Int, _ outputs: inout [Double], _ scratch: ScoringScratch
    ) {
        var span = outputs.mutableSpan
        scorer.predict(rows.span, rowCount: batch, into: &span, scratch: scratch)
    }

    private static func predict(
        _ scorer: Scorer, _ rows: [Double], _ batch: Int, _ outputs: inout [Double], _ scratch: ScoringScratch
    ) {
        var span = outputs.mutableSpan
        scorer.predict(rows.span, rowCount: batch, into: &span, scratch: scratch)
    }

    private static func margins(
        _ scorer: Scorer, _ rows: [Float], _ batch: Int, _ outputs: inout [Double], _ scratch: ScoringScratch
    ) {
        var span = outputs.mutableSpan
        scorer.margins(rows.span, rowCount: batch, into: &span, scratch: scratch)
    }

    private static func margins(
        _ scorer: Scorer, _ rows: [Double], _ batch: Int, _ outputs: inout [Double], _ scratch: ScoringScratch
    ) {
        var span = outputs.mutableSpan
        scorer.margins(rows.span, rowCount: batch, into: &span, scratch: scratch)
    }

    private func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
