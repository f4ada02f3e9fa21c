import Telemetry

/// A report for people, for programs, and for tables.
extension LoadReport {
    private static let percentiles = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)]

    package var text: String {
        var lines = ["answered \(answeredCount), failed \(failedCount), \(Int(answeredPerSecond)) answers a second"]
        let latencies = Self.percentiles.map { "\($0.0) \(rounded(microseconds(atPercentile: $0.1)))" }
        lines.append("latency in µs: \(latencies.joined(separator: ", "))")
        for (version, count) in versions.sorted(by: { $0.key < $1.key }) {
            let firstSeen = Double(firstSeenNanoseconds[version] ?? 0) / 1e9
            lines.append("version \(version) answered \(count), first after \(rounded(firstSeen)) s")
        }
        for (failure, count) in failures.sorted(by: { $0.key < $1.key }) {
            lines.append("failed \(count) times: \(failure)")
        }
        return lines.joined(separator: "\n")
    }

    /// One object on one line.
    package func json(of plan: LoadPlan) -> String {
        let latencies = Self.percentiles.map { "\"\($0.0)\": \(microseconds(atPercentile: $0.1))" }
        let versions = versions.sorted { $0.key < $1.key }.map { "\(jsonQuoted($0.key)): \($0.value)" }
        let failures = failures.sorted { $0.key < $1.key }.map { "\(jsonQuoted($0.key)): \($0.value)" }
        return """
            {"asked_rate": \(plan.ratePerSecond), "connections": \(plan.connectionCount), "seconds": \(plan.seconds), \
            "answered": \(answeredCount), "failed": \(failedCount), "rate": \(answeredPerSecond), \
            "latency_us": {\(latencies.joined(separator: ", "))}, "versions": {\(versions.joined(separator: ", "))}, \
            "failures": {\(failures.joined(separator: ", "))}}
            """
    }

    /// A header line and a line for the load; `versions` and `failures` are lists `text=count` separated by semicolons.
    ///
    /// Source: RFC 4180, section 2, but for the line end, which is LF.
    package func csv(of plan: LoadPlan) -> String {
        let latencies = Self.percentiles.map { ("latency_us_\($0.0)", "\(microseconds(atPercentile: $0.1))") }
        let columns =
            [
                ("asked_rate", "\(plan.ratePerSecond)"), ("connections", "\(plan.connectionCount)"),
                ("seconds", "\(plan.seconds)"), ("answered", "\(answeredCount)"), ("failed", "\(failedCount)"),
                ("rate", "\(answeredPerSecond)"),
            ] + latencies + [("versions", Self.list(versions)), ("failures", Self.list(failures))]
        return [columns.map(\.0), columns.map { Self.csvField($0.1) }].map { $0.joined(separator: ",") }
            .joined(separator: "\n")
    }

    // text: shown only
    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ";")
    }

    private static func csvField(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else {
            return text
        }
        return "\"" + text.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }

    private func rounded(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
}

extension LoadPlan {
    /// How long it measures.
    fileprivate var seconds: Double { duration / .seconds(1) }
}
