import ArgumentParser
import DurableFiles
import Launch
import LoadGenerator
import Telemetry

/// `lodestore-executor bench`: an open-loop load on a running executor.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads a running executor at a fixed arrival rate and reports its latencies.",
        discussion: """
            A request counts from when it was due, whether or not the one before it was answered: a server that stalls is \
            charged with every request that the stall delayed. Exits with 1 when any request failed.
            """)

    @Option(help: ArgumentHelp("Where the executor listens.", valueName: "host:port"))
    var connect: String?

    @Option(help: ArgumentHelp("The executor's Unix socket, instead of --connect.", valueName: "path"))
    var socket: String?

    @Option(help: "The model to ask; without it the executor's default.")
    var model: String?

    @Option(help: ArgumentHelp("The file with the body to post.", valueName: "file"))
    var body: String

    @Option(help: "The body's type.")
    var contentType = "text/csv"

    @Option(help: "Requests a second, over all connections.")
    var rate = 1000.0

    @Option(help: "Connections, each on a thread of its own.")
    var connections = 4

    @Option(help: "Seconds to measure.")
    var duration = 10.0

    @Option(help: "Seconds of the same load before the measurement.")
    var warmUp = 1.0

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard (connect == nil) != (socket == nil) else { throw ValidationError("give either --connect or --socket") }
        guard rate > 0, rate <= 10_000_000 else { throw ValidationError("--rate is above 0 and at most 10000000") }
        guard (1...1024).contains(connections) else { throw ValidationError("--connections is 1 to 1024") }
        guard duration > 0, duration <= 86_400, (0...3600).contains(warmUp) else {
            throw ValidationError("--duration is above 0 and at most 86400, --warm-up 0 to 3600")
        }
    }

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let report = try LoadRun.run(try plan())
            print(json ? Self.object(report) : Self.text(report))
            if report.failedCount > 0 || report.answeredCount == 0 { throw ExitCode.failure }
        }
    }

    private func plan() throws -> LoadPlan {
        let target: LoadPlan.Target
        if let socket {
            target = .socket(path: socket)
        } else {
            let address = try ListenAddress(connect ?? "", key: "connect")
            target = .tcp(host: address.host, port: address.port)
        }
        var headers = [("Content-Type", contentType)]
        if let model { headers.append(("X-Amzn-SageMaker-Target-Model", model)) }
        let request = LoadPlan.post(
            path: "/invocations", host: connect ?? "localhost", headers: headers,
            body: try SystemDisk().read(body, limitBytes: 1 << 30))
        return LoadPlan(
            target: target, request: request, ratePerSecond: rate, connectionCount: connections,
            duration: .seconds(duration), warmUp: .seconds(warmUp))
    }

    private static let percentiles = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)]

    private static func text(_ report: LoadReport) -> String {
        var lines = [
            "answered \(report.answeredCount), failed \(report.failedCount), \(Int(report.answeredPerSecond)) answers a second"
        ]
        let latencies = percentiles.map { "\($0.0) \(rounded(report.microseconds(atPercentile: $0.1)))" }
        lines.append("latency in µs: \(latencies.joined(separator: ", "))")
        for (version, count) in report.versions.sorted(by: { $0.key < $1.key }) {
            let firstSeen = Double(report.firstSeenNanoseconds[version] ?? 0) / 1e9
            lines.append("version \(version) answered \(count), first after \(rounded(firstSeen)) s")
        }
        for (failure, count) in report.failures.sorted(by: { $0.key < $1.key }) {
            lines.append("failed \(count) times: \(failure)")
        }
        return lines.joined(separator: "\n")
    }

    private static func object(_ report: LoadReport) -> String {
        let latencies = percentiles.map { "\"\($0.0)\": \(report.microseconds(atPercentile: $0.1))" }
        let versions = report.versions.sorted { $0.key < $1.key }.map { "\(jsonQuoted($0.key)): \($0.value)" }
        let failures = report.failures.sorted { $0.key < $1.key }.map { "\(jsonQuoted($0.key)): \($0.value)" }
        return """
            {"answered": \(report.answeredCount), "failed": \(report.failedCount), "rate": \(report.answeredPerSecond), \
            "latency_us": {\(latencies.joined(separator: ", "))}, "versions": {\(versions.joined(separator: ", "))}, \
            "failures": {\(failures.joined(separator: ", "))}}
            """
    }

    private static func rounded(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
}
