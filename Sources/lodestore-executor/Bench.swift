import ArgumentParser
import DurableFiles
import Launch
import LoadGenerator
import Names

/// `lodestore-executor bench`: an open-loop load on a running executor.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads a running executor at a fixed arrival rate and reports its latencies.",
        discussion: """
            A request counts from when it was due, whether or not the one before it was answered: a server that stalls is \
            charged with every request that the stall delayed. Exits with 1 when any request failed: answers other than 200 \
            are failures. TLS is not spoken: a listener that has it is loaded through the Unix socket.
            """)

    @Option(help: ArgumentHelp("Where the executor listens: a name or an address, and a port.", valueName: "host:port"))
    var connect: String?

    @Option(help: ArgumentHelp("The executor's Unix socket, instead of --connect.", valueName: "path"))
    var socket: String?

    @Option(help: "The model to ask; without it the executor's default.")
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The endpoint to load, such as /v2/models/NAME/infer.", valueName: "path"))
    var path = "/invocations"

    @Option(help: ArgumentHelp("The request's method; POST with --body, else GET.", valueName: "method"))
    var method: String?

    @Option(help: ArgumentHelp("The file with the body to send.", valueName: "file"))
    var body: String?

    @Option(help: "The body's type; text/csv unless given.")
    var contentType: String?

    @Option(
        help: ArgumentHelp(
            "A field to send, which takes the place of one of bench's own; may be repeated.", valueName: "name: value"))
    var header: [String] = []

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

    @Flag(help: "Print CSV instead of text: a header line and a line for the run.")
    var csv = false

    func validate() throws {
        guard (connect == nil) != (socket == nil) else { throw ValidationError("give either --connect or --socket") }
        guard !(json && csv) else { throw ValidationError("give either --json or --csv") }
        guard path.hasBytePrefix("/"), Self.isVisible(path) else {
            throw ValidationError("--path begins with / and has neither blanks nor characters beyond ASCII")
        }
        if let method {
            guard !method.isEmpty, method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
                throw ValidationError("--method is in capital letters, such as POST")
            }
        }
        guard body != nil || path != "/invocations" else { throw ValidationError("/invocations takes a --body") }
        for text in header where HeaderField(text) == nil {
            throw ValidationError("--header \"\(text)\" is no field \"Name: value\", or one that frames the request")
        }
        guard HeaderField(name: "Content-Type", value: contentType ?? "") != nil,
            HeaderField(name: Self.modelField, value: model ?? "") != nil
        else { throw ValidationError("--content-type and --model have no control characters") }
        guard rate > 0, rate <= 10_000_000 else { throw ValidationError("--rate is above 0 and at most 10000000") }
        guard (1...1024).contains(connections) else { throw ValidationError("--connections is 1 to 1024") }
        guard duration > 0, duration <= 86_400, (0...3600).contains(warmUp) else {
            throw ValidationError("--duration is above 0 and at most 86400, --warm-up 0 to 3600")
        }
    }

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let plan = try plan()
            let report = try LoadRun.run(plan)
            let text = json ? report.json(of: plan) : csv ? report.csv(of: plan) : report.text
            // Line ends of ours; within a line none can be written.
            for line in text.pieces(at: "\n") { try StandardOutput.printLine(String(line)) }
            if report.failedCount > 0 || report.answeredCount == 0 { throw ExitCode.failure }
        }
    }

    private static let modelField = "X-Amzn-SageMaker-Target-Model"

    private func plan() throws -> LoadPlan {
        let target: LoadPlan.Target
        if let socket {
            target = .socket(path: socket)
        } else {
            let address = try ListenAddress(connect ?? "", key: "connect")
            target = .tcp(host: address.host, port: address.port)
        }
        let request = LoadPlan.request(
            method: method ?? (body == nil ? "GET" : "POST"), path: path, host: connect ?? "localhost",
            headers: fields(),
            body: try body.map { try InputFile($0).readAll(limitBytes: 1 << 30) })
        return LoadPlan(
            target: target, request: request, ratePerSecond: rate, connectionCount: connections,
            duration: .seconds(duration), warmUp: .seconds(warmUp))
    }

    /// The operator's fields, and those of bench itself that the operator does not give.
    private func fields() -> [HeaderField] {
        let given = header.compactMap { HeaderField($0) }
        var own: [HeaderField?] = []
        if body != nil { own.append(HeaderField(name: "Content-Type", value: contentType ?? "text/csv")) }
        if let model { own.append(HeaderField(name: Self.modelField, value: model)) }
        return own.compactMap { $0 }.filter { field in !given.contains { $0.isNamed(field.name) } } + given
    }

    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
