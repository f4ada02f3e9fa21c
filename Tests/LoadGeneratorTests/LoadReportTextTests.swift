import Foundation
import Histogram
import LoadGenerator
import Testing

@Suite(.timeLimit(.minutes(3))) struct LoadReportTextTests {
    private let plan = LoadPlan(
        target: .socket(path: "/s"), request: [], ratePerSecond: 250, connectionCount: 3, duration: .milliseconds(1500),
        warmUp: .zero)

    private func report() -> LoadReport {
        var report = LoadReport()
        report.answeredCount = 4
        report.failedCount = 2
        report.elapsedNanoseconds = 2_000_000_000
        for nanoseconds in [1000, 2000, 3000, 4000] as [UInt64] { _ = report.latencies.record(nanoseconds) }
        report.versions = ["b": 1, "a": 3]
        report.failures = ["status 503": 1, #"a "quoted", odd one"#: 1]
        return report
    }

    @Test func csvIsAHeaderLineAndALine() {
        let lines = report().csv(of: plan).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(
            lines == [
                "asked_rate,connections,seconds,answered,failed,rate,latency_us_p50,latency_us_p90,latency_us_p99,"
                    + "latency_us_p99.9,latency_us_max,versions,failures",
                #"250.0,3,1.5,4,2,2.0,2.0,4.0,4.0,4.0,4.0,a=3;b=1,"a ""quoted"", odd one=1;status 503=1""#,
            ])
    }

    @Test func jsonHasTheSame() throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(report().json(of: plan).utf8))
        let object = try #require(parsed as? [String: Any])
        #expect(object["asked_rate"] as? Double == 250 && object["connections"] as? Int == 3)
        #expect(object["seconds"] as? Double == 1.5 && object["answered"] as? Int == 4)
        #expect(object["latency_us"] as? [String: Double] == ["p50": 2, "p90": 4, "p99": 4, "p99.9": 4, "max": 4])
        #expect(object["failures"] as? [String: Int] == ["status 503": 1, #"a "quoted", odd one"#: 1])
    }

    @Test func textNamesEachVersionAndFailure() {
        let text = report().text
        #expect(text.hasPrefix("answered 4, failed 2, 2 answers a second\nlatency in µs: p50 2.0"))
        #expect(text.contains("version a answered 3") && text.hasSuffix("failed 1 times: status 503"))
    }
}
