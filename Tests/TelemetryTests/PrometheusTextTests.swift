import Telemetry
import Testing

@Suite(.timeLimit(.minutes(3))) struct PrometheusTextTests {
    @Test func familiesAreWrittenWithTheirSamples() {
        var page = PrometheusText()
        page.begin("a_total", .counter, "Line one\nand \\ \"two\".")
        page.add(UInt64.max)
        page.add(0.5, [("model", "say \"hi\"\n\\"), ("version", "1")])
        page.begin("b", .gauge, "B.")
        page.add(.infinity)
        page.add(-Double.infinity)
        page.add(.nan)
        #expect(
            page.text == """
                # HELP a_total Line one\\nand \\\\ "two".
                # TYPE a_total counter
                a_total 18446744073709551615
                a_total{model="say \\"hi\\"\\n\\\\",version="1"} 0.5
                # HELP b B.
                # TYPE b gauge
                b +Inf
                b -Inf
                b NaN

                """)
    }

    @Test func histogramsCountUpwards() {
        var page = PrometheusText()
        page.begin("h", .histogram, "H.")
        page.add(HistogramBuckets(bounds: [0.1, 1], counts: [2, 0, 3], sum: 7.5), [("m", "x")])
        #expect(
            page.text.hasSuffix(
                """
                h_bucket{m="x",le="0.1"} 2
                h_bucket{m="x",le="1.0"} 2
                h_bucket{m="x",le="+Inf"} 5
                h_sum{m="x"} 7.5
                h_count{m="x"} 5

                """))
    }

    @Test func durationsFallIntoTheBucketThatHoldsThem() {
        var histogram = DurationHistogram()
        for nanoseconds: UInt64 in [0, 10_000, 10_001, 10_000_000_000, 10_000_000_001] {
            histogram.observe(nanoseconds: nanoseconds)
        }
        let buckets = histogram.buckets
        #expect(buckets.counts.first == 2 && buckets.counts[1] == 1)
        #expect(buckets.counts[buckets.counts.count - 2] == 1 && buckets.counts.last == 1)
        #expect(buckets.bounds == buckets.bounds.sorted() && buckets.bounds.first == 1e-5)
        #expect(histogram.count == 5 && histogram.sumNanoseconds == 20_000_020_002)
        histogram.add(histogram)
        #expect(histogram.count == 10)
    }

    @Test func valuesFallIntoTheBucketThatHoldsThem() {
        var histogram = ValueHistogram()
        let values: [Double] = [-1000, -100, 0, 0.00005, 0.5, 0.50001, 1, 1000, 1001, .nan, .infinity]
        histogram.observe(values.span)
        let buckets = histogram.buckets
        #expect(histogram.count == UInt64(values.count))
        #expect(buckets.bounds == buckets.bounds.sorted())
        for (index, bound) in buckets.bounds.enumerated() {
            let below = index == 0 ? -Double.infinity : buckets.bounds[index - 1]
            #expect(
                buckets.counts[index] == UInt64(values.count { $0 > below && $0 <= bound || $0 == below && index == 0 })
            )
        }
        #expect(buckets.counts.last == 3, "above all bounds, infinite, or no number")
        #expect(buckets.sum == values.filter(\.isFinite).reduce(0, +))
    }

    @Test func aProcessHasUsedSomething() {
        let usage = ProcessUsage()
        #expect(usage.cpuSeconds > 0 && usage.residentBytes > 1 << 20)
    }
}
