import ArgumentParser
import Glibc
import HTTPKernel
import InferenceServer
import Launch
import Logging
import NIOCore

/// `lodestore-executor serve`: predictions on TCP and a Unix socket, models on the control socket.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves predictions until SIGTERM, then answers what is in flight and exits with 0.",
        discussion: """
            Each flag can also be set as LODESTORE_… in the environment or in the JSON file of --config: a flag wins over the \
            environment, which wins over the file.
            """)

    @Option(help: ArgumentHelp("Where to serve HTTP.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Unix socket to serve HTTP on too, made with mode 0660.", valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "Where to serve the Open Inference Protocol by gRPC; without it nowhere.", valueName: "host:port"))
    var grpcListen: String?

    @Option(
        help: ArgumentHelp(
            "Unix socket on which the sidecar hands models over, made with mode 0600.", valueName: "path"))
    var control: String?

    @Option(help: ArgumentHelp("User id as whom the sidecar runs, if another.", valueName: "uid"))
    var controlUid: Int?

    @Option(help: "The model that answers requests that name none.")
    var defaultModel: String?

    @Option(help: "Event loops.")
    var loops: Int?

    @Option(help: "Rows that one request may have.")
    var maxRows: Int?

    @Option(help: "Bytes that the body of one request may have.")
    var maxBodyBytes: Int?

    @Option(help: "Seconds that requests in flight get after SIGTERM.")
    var drainSeconds: Int?

    @Flag(help: "Allow --listen and --grpc-listen beyond the loopback: predictions are not authenticated.")
    var insecureListen = false

    @Option(help: ArgumentHelp("JSON object with settings.", valueName: "file"))
    var config: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let settings = try await settings()
            let logger = ProgramRun.startLogging(program: "lodestore-executor", level: try settings.logLevel())
            let configuration = try configuration(settings)
            let control = configuration.controlPath
            let socketPath = try settings.text("socket")
            let service = InferenceService(configuration, logger: logger) { addresses in
                var facts = [("control", control)]
                if let address = addresses.grpc { facts.insert(("grpc", Self.bound(address)), at: 0) }
                if let address = addresses.http.first {
                    facts.insert(("endpoint", "http://\(Self.bound(address))"), at: 0)
                }
                if let socketPath { facts.append(("socket", socketPath)) }
                ProgramRun.announceReady(program: "lodestore-executor", facts: facts)
            }
            try await ProgramRun.serve(service, logger: logger)
        }
    }

    private func settings() async throws(ConfigurationError) -> Settings {
        try await Settings(
            flags: [
                "listen": listen.map { .text($0) }, "socket": socket.map { .text($0) },
                "grpc-listen": grpcListen.map { .text($0) },
                "control": control.map { .text($0) },
                "control-uid": controlUid.map { .integer($0) }, "default-model": defaultModel.map { .text($0) },
                "loops": loops.map { .integer($0) }, "max-rows": maxRows.map { .integer($0) },
                "max-body-bytes": maxBodyBytes.map { .integer($0) }, "drain-seconds": drainSeconds.map { .integer($0) },
                "insecure-listen": insecureListen ? .boolean(true) : nil, "log-level": logLevel.map { .text($0) },
            ], file: config)
    }

    private func configuration(_ settings: Settings) throws(ConfigurationError) -> InferenceConfiguration {
        let address = try address(settings, key: "listen", text: settings.text("listen") ?? "127.0.0.1:8080")
        var listeners: [HTTPListener] = [.tcp(host: address.host, port: Int(address.port))]
        if let path = try settings.text("socket") { listeners.append(.unix(path: path, mode: 0o660)) }
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var configuration = InferenceConfiguration(
            listeners: listeners, controlPath: try settings.requiredText("control"),
            controlUserID: UInt32(try settings.integer("control-uid", in: 0...Int(UInt32.max)) ?? Int(geteuid())),
            defaultModel: try settings.text("default-model"),
            loopCount: try settings.integer("loops", in: 1...1024) ?? cores, workerCount: cores)
        configuration.limits.rowCount =
            try settings.integer("max-rows", in: 1...10_000_000) ?? configuration.limits.rowCount
        configuration.limits.bodyBytes =
            try settings.integer("max-body-bytes", in: 1...(1 << 30)) ?? configuration.limits.bodyBytes
        if let text = try settings.text("grpc-listen") {
            let address = try self.address(settings, key: "grpc-listen", text: text)
            configuration.grpc = GRPCListener(host: address.host, port: Int(address.port))
        }
        configuration.drainSeconds = try settings.integer("drain-seconds", in: 0...3600) ?? configuration.drainSeconds
        return configuration
    }

    /// Holds an address to the loopback unless the operator says otherwise.
    private func address(
        _ settings: Settings, key: String, text: String
    ) throws(ConfigurationError) -> ListenAddress {
        let address = try ListenAddress(text, key: key)
        let isAllowed = try settings.boolean("insecure-listen") ?? false
        guard address.isLoopback || isAllowed else {
            throw .unacceptable(
                key: key, value: "\(address)", accepted: "a loopback address unless --insecure-listen is given")
        }
        return address
    }

    private static func bound(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
        return "\(ListenAddress(host: host, port: UInt16(port)))"
    }
}
