import ArgumentParser
import DurableFiles
import Glibc
import HTTPKernel
import Launch
import Logging
import NIOCore
import ObjectEngine
import S3Server
import S3Service
import S3Types

/// `lodestore serve`: the store on one address.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves S3 until SIGTERM, then answers what is in flight and exits with 0.",
        discussion: """
            Each flag can also be set as LODESTORE_… in the environment or in the JSON file of --config: a flag wins over the \
            environment, which wins over the file. The root account's key comes from LODESTORE_ROOT_ACCESS_KEY and \
            LODESTORE_ROOT_SECRET_KEY or from --root-credentials; without them it is made, kept in the data directory and \
            printed once.
            """)

    @Option(help: ArgumentHelp("The data directory, made when it is missing; one process at a time.", valueName: "dir"))
    var data: String?

    @OptionGroup var server: ServerOptions
    @OptionGroup var program: ProgramOptions

    @Option(help: "The region that requests must be signed for.")
    var region: String?

    @Option(help: ArgumentHelp("A domain whose subdomains are buckets; may be repeated.", valueName: "name"))
    var domain: [String] = []

    @Option(help: ArgumentHelp("File with lines access-key=… and secret-key=….", valueName: "file"))
    var rootCredentials: String?

    @Option(help: "Threads of the engine.")
    var threads: Int?

    @Option(help: "Memory that the store is meant to stay within, in MiB; 768 unless given.")
    var memoryMib: Int?

    @Option(help: "Connections at once; 10000 unless given, and no more than descriptors allow.")
    var maxConnections: Int?
    @Option(
        name: .customLong("reserve-mib"),
        help: ArgumentHelp(
            "Space kept for recovery and deletes, in DIR/reserve; 64 unless given. Writes are refused while not half as much is free beside it.",
            valueName: "MiB"))
    var reserveMiB: Int?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore") {
            let settings = try settings()
            let logger = ProgramRun.startLogging(program: "lodestore", level: try settings.logLevel())
            try ProgramRun.checkDescriptors()
            let directory = try settings.requiredText("data")
            try Self.prepare(directory)
            let (credentials, madePath) = try RootCredentials.resolve(
                settings, dataDirectory: directory, disk: SystemDisk())
            let identity = try settings.tlsIdentity { try TLSIdentity(certificatePath: $0, keyPath: $1) }
            let configuration = try configuration(settings, directory, credentials, identity)
            let store = StoreServer(configuration, logger: logger) { addresses in
                if let madePath {
                    print(
                        "lodestore root access-key=\(credentials.accessKey) secret-key=\(credentials.secret.revealed) file=\(madePath)"
                    )
                }
                let endpoint = addresses.first.map { "\(identity == nil ? "http" : "https")://\(Self.bound($0))" } ?? ""
                ProgramRun.announceReady(program: "lodestore", facts: [("endpoint", endpoint), ("data", directory)])
            }
            try await ProgramRun.serve(
                store, logger: logger, reload: identity.map { identity in { @Sendable in try identity.reload() } })
        }
    }

    /// Makes the directory, or shuts one that is there to everyone else: it holds a secret and everybody's objects.
    private static func prepare(_ directory: String) throws {
        try SystemDisk().makeDirectory(directory, mode: 0o700)
        guard unsafe chmod(directory, 0o700) == 0 else {
            throw ConfigurationError.unacceptable(
                key: "data", value: directory, accepted: "a directory of this user's own")
        }
    }

    private func settings() throws(ConfigurationError) -> Settings {
        var flags = server.flags
        flags["data"] = data.map { .text($0) }
        flags["region"] = region.map { .text($0) }
        flags["domain"] = domain.isEmpty ? nil : .list(domain)
        flags["root-credentials"] = rootCredentials.map { .text($0) }
        flags["reserve-mib"] = reserveMiB.map { .integer($0) }
        flags["threads"] = threads.map { .integer($0) }
        flags["memory-mib"] = memoryMib.map { .integer($0) }
        flags["max-connections"] = maxConnections.map { .integer($0) }
        // Without flags: a command line is everybody's to read.
        for key in RootCredentials.keySettings { flags[key] = nil }
        return try program.settings(flags)
    }

    private func configuration(
        _ settings: Settings, _ directory: String, _ credentials: RootCredentials, _ identity: TLSIdentity?
    ) throws -> StoreServerConfiguration {
        let address = try ListenAddress(settings.text("listen") ?? "127.0.0.1:9000", key: "listen")
        var engine = EngineConfiguration(directory: directory)
        engine.threadCount = try settings.integer("threads", in: 1...1024) ?? engine.threadCount
        if let mebibytes = try settings.integer("reserve-mib", in: 4...65536) {
            engine.reserveBytes = UInt64(mebibytes) << 20
        }
        let domains = try (settings.list("domain") ?? []).map { $0.lowercased() }
        let service = S3ServiceConfiguration(
            region: try settings.text("region") ?? "us-east-1", domains: domains, accessKey: credentials.accessKey,
            secret: credentials.secret, now: engine.now)
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var configuration = StoreServerConfiguration(
            engine: engine, service: service,
            listeners: [.tcp(host: address.host, port: Int(address.port), tls: identity)],
            loopCount: try settings.integer("loops", in: 1...1024) ?? cores)
        let memory = SharePlan.leastMemoryMiB...(1 << 24)
        configuration.memoryBytes = (try settings.integer("memory-mib", in: memory) ?? SharePlan.defaultMemoryMiB) << 20
        configuration.engine.cacheBytes = SharePlan.cacheBytes(ofMemory: configuration.memoryBytes)
        configuration.limits.connectionCount =
            try settings.integer("max-connections", in: 1...1_000_000) ?? configuration.limits.connectionCount
        if let seconds = try settings.integer("drain-seconds", in: 0...3600) {
            configuration.drainLimit = .seconds(seconds)
        }
        return configuration
    }

    private static func bound(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
        return "\(ListenAddress(host: host, port: UInt16(port)))"
    }
}
