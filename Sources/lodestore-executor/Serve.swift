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

    @OptionGroup var server: ServerOptions
    @OptionGroup var program: ProgramOptions

    @Option(help: ArgumentHelp("Unix socket to serve HTTP on too, made with mode 0660.", valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "Where to serve the Open Inference Protocol by gRPC; without it nowhere.", valueName: "host:port"))
    var grpcListen: String?

    @Option(help: ArgumentHelp("Unix socket to serve gRPC on too, made with mode 0660.", valueName: "path"))
    var grpcSocket: String?

    @Option(
        help: ArgumentHelp(
            "Unix socket on which the sidecar hands models over, made with mode 0600.", valueName: "path"))
    var control: String?

    @Option(help: ArgumentHelp("User id as whom the sidecar runs, if another.", valueName: "uid"))
    var controlUid: Int?

    @Option(help: "The model that answers requests that name none.")
    var defaultModel: String?

    @Option(help: "Rows that one request may have.")
    var maxRows: Int?

    @Option(help: "Bytes that the body of one request may have.")
    var maxBodyBytes: Int?

    @Option(help: "Large requests that may wait for a thread or be with one at once; one more gets 503.")
    var maxConcurrent: Int?

    @Option(help: "Bytes of large bodies, whole or still coming, that may be held at once; more gets 503.")
    var maxPendingBytes: Int?

    @Option(
        help: ArgumentHelp(
            "How long a request may wait for its loop, and a large one for a thread, before it gets 503.",
            valueName: "ms"))
    var maxQueueMs: Int?

    @Option(
        help: ArgumentHelp(
            "How long clients are told to leave, after SIGTERM, before listeners close; 500 unless given, 0 for not at all.",
            valueName: "ms"))
    var lameDuckMs: Int?

    @Option(
        help: ArgumentHelp(
            "Keys that may sign requests: lines access-key=… and secret-key=…, or AWS's own credentials file.",
            valueName: "file"))
    var credentials: String?

    @Option(help: "The region that signed requests must be for; us-east-1 unless given.")
    var region: String?

    @Flag(help: "Allow --listen and --grpc-listen beyond the loopback for predictions that nobody signed.")
    var insecureListen = false

    @Option(help: ArgumentHelp("Log one in so many requests; 0, the default, logs none.", valueName: "n"))
    var accessLogSample: Int?

    @Option(
        help: ArgumentHelp(
            "How long a loop that has just answered looks for more before it sleeps, at most 1000; for cores of its own.",
            valueName: "microseconds"))
    var busyPoll: Int?

    @Option(
        help: ArgumentHelp(
            "ONNX Runtime's libonnxruntime.so, to run ONNX graphs that are not translated; without it such models are refused.",
            valueName: "path"))
    var onnxRuntime: String?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let settings = try settings()
            try ProgramRun.checkDescriptors()
            let logger = ProgramRun.startLogging(program: "lodestore-executor", level: try settings.logLevel())
            let identity = try settings.tlsIdentity { try TLSIdentity(certificatePath: $0, keyPath: $1) }
            let configuration = try configuration(settings, identity)
            let control = configuration.controlPath
            let (socketPath, grpcPath) = (try settings.text("socket"), try settings.text("grpc-socket"))
            let service = InferenceService(configuration, logger: logger) { addresses in
                var facts = [("control", control)]
                if let address = addresses.grpc.first(where: { $0.port != nil }) {
                    facts.insert(("grpc", Self.bound(address)), at: 0)
                }
                if let address = addresses.http.first {
                    facts.insert(("endpoint", "\(identity == nil ? "http" : "https")://\(Self.bound(address))"), at: 0)
                }
                if let socketPath { facts.append(("socket", socketPath)) }
                if let grpcPath { facts.append(("grpc-socket", grpcPath)) }
                ProgramRun.announceReady(program: "lodestore-executor", facts: facts)
            }
            try await ProgramRun.serve(
                service, logger: logger, reload: identity.map { identity in { @Sendable in try identity.reload() } })
        }
    }

    private func settings() throws(ConfigurationError) -> Settings {
        var flags = server.flags
        flags["socket"] = socket.map { .text($0) }
        flags["grpc-listen"] = grpcListen.map { .text($0) }
        flags["grpc-socket"] = grpcSocket.map { .text($0) }
        flags["control"] = control.map { .text($0) }
        flags["control-uid"] = controlUid.map { .integer($0) }
        flags["default-model"] = defaultModel.map { .text($0) }
        flags["max-rows"] = maxRows.map { .integer($0) }
        flags["max-body-bytes"] = maxBodyBytes.map { .integer($0) }
        flags["max-concurrent"] = maxConcurrent.map { .integer($0) }
        flags["max-pending-bytes"] = maxPendingBytes.map { .integer($0) }
        flags["max-queue-ms"] = maxQueueMs.map { .integer($0) }
        flags["lame-duck-ms"] = lameDuckMs.map { .integer($0) }
        flags["credentials"] = credentials.map { .text($0) }
        flags["region"] = region.map { .text($0) }
        flags["insecure-listen"] = insecureListen ? .boolean(true) : nil
        flags["access-log-sample"] = accessLogSample.map { .integer($0) }
        flags["busy-poll"] = busyPoll.map { .integer($0) }
        flags[GraphLibrary.key] = onnxRuntime.map { .text($0) }
        return try program.settings(flags)
    }

    private func configuration(
        _ settings: Settings, _ identity: TLSIdentity?
    ) throws(ConfigurationError) -> InferenceConfiguration {
        let access = try access(settings)
        let (address, isGuarded) = try address(
            settings, key: "listen", settings.text("listen") ?? "127.0.0.1:8080", isSigned: access != nil)
        var listeners: [HTTPListener] = [
            .tcp(
                host: address.host, port: Int(address.port), tls: identity,
                label: isGuarded ? InferenceResponder.guardedListener : "http")
        ]
        if let path = try settings.text("socket") { listeners.append(.unix(path: path, mode: 0o660)) }
        let control = try settings.requiredText("control")
        try SocketPath.checkDistinct(control, key: "control", from: try settings.text("socket"), key: "socket")
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var configuration = InferenceConfiguration(
            listeners: listeners, controlPath: control,
            controlUserID: UInt32(try settings.integer("control-uid", in: 0...Int(UInt32.max)) ?? Int(geteuid())),
            defaultModel: try settings.text("default-model"),
            loopCount: try settings.integer("loops", in: 1...1024) ?? cores, workerCount: cores)
        configuration.access = access
        configuration.limits = try limits(settings)
        configuration.accessLogSample = try settings.integer("access-log-sample", in: 0...1_000_000_000) ?? 0
        configuration.busyPoll = .microseconds(try settings.integer("busy-poll", in: 0...1000) ?? 0)
        if let text = try settings.text("grpc-listen") {
            // Nothing verifies signatures there.
            let address = try self.address(settings, key: "grpc-listen", text, isSigned: false).address
            configuration.grpc.append(.tcp(host: address.host, port: Int(address.port), tls: identity))
        }
        if let path = try settings.text("grpc-socket") {
            try SocketPath.checkDistinct(path, key: "grpc-socket", from: control, key: "control")
            try SocketPath.checkDistinct(path, key: "grpc-socket", from: try settings.text("socket"), key: "socket")
            configuration.grpc.append(.unix(path: path, mode: 0o660))
        }
        configuration.graphRuntime = try GraphLibrary.opened(try settings.text(GraphLibrary.key))
        if let milliseconds = try settings.integer("lame-duck-ms", in: 0...3_600_000) {
            configuration.lameDuck = .milliseconds(milliseconds)
        }
        configuration.drainSeconds = try settings.integer("drain-seconds", in: 0...3600) ?? configuration.drainSeconds
        return configuration
    }

    private func limits(_ settings: Settings) throws(ConfigurationError) -> InferenceLimits {
        var limits = InferenceLimits()
        limits.rowCount = try settings.integer("max-rows", in: 1...10_000_000) ?? limits.rowCount
        limits.bodyBytes = try settings.integer("max-body-bytes", in: 1...(1 << 30)) ?? limits.bodyBytes
        limits.concurrentCount = try settings.integer("max-concurrent", in: 1...1_000_000) ?? limits.concurrentCount
        limits.pendingBytes = try settings.integer("max-pending-bytes", in: 1...(1 << 40)) ?? limits.pendingBytes
        if let milliseconds = try settings.integer("max-queue-ms", in: 0...3_600_000) {
            limits.queueNanoseconds = UInt64(milliseconds) * 1_000_000
            // Nobody is answered in no time at all.
            limits.loopWaitNanoseconds = max(limits.queueNanoseconds, 1_000_000)
        }
        return limits
    }

    private func access(_ settings: Settings) throws(ConfigurationError) -> RequestAccess? {
        guard let path = try settings.text("credentials") else { return nil }
        let secrets = try AccessKeys.read(path, key: "credentials")
        return RequestAccess(secrets: secrets, region: try settings.text("region") ?? "us-east-1") {
            Int64(time(nil))
        }
    }

    /// Holds the address to the loopback unless requests are signed there or the operator says that they need not be.
    private func address(
        _ settings: Settings, key: String, _ text: String, isSigned: Bool
    ) throws(ConfigurationError) -> (address: ListenAddress, isGuarded: Bool) {
        let address = try ListenAddress(text, key: key)
        let isOpen = try settings.boolean("insecure-listen") ?? false
        guard address.isLoopback || isOpen || isSigned else {
            throw .unacceptable(
                key: key, value: "\(address)",
                accepted: key == "listen"
                    ? "a loopback address unless --credentials or --insecure-listen is given"
                    : "a loopback address unless --insecure-listen is given")
        }
        return (address, isSigned && !isOpen && !address.isLoopback)
    }

    private static func bound(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
        return "\(ListenAddress(host: host, port: UInt16(port)))"
    }
}
