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

    @Option(help: ArgumentHelp("Where to serve.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Certificate chain in PEM; with --tls-key the listener speaks TLS.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's key in PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: "The region that requests must be signed for.")
    var region: String?

    @Option(help: ArgumentHelp("A domain whose subdomains are buckets; may be repeated.", valueName: "name"))
    var domain: [String] = []

    @Option(help: ArgumentHelp("File with lines access-key=… and secret-key=….", valueName: "file"))
    var rootCredentials: String?

    @Option(help: "Event loops.")
    var loops: Int?

    @Option(help: "Threads of the engine.")
    var threads: Int?

    @Option(help: "Seconds that requests in flight get after SIGTERM.")
    var drainSeconds: Int?

    @Option(help: ArgumentHelp("JSON object with settings.", valueName: "file"))
    var config: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical; each request is logged at info.")
    var logLevel: String?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore") {
            let settings = try await settings()
            let logger = ProgramRun.startLogging(program: "lodestore", level: try settings.logLevel())
            let directory = try settings.requiredText("data")
            try Self.prepare(directory)
            let (credentials, madePath) = try RootCredentials.resolve(
                settings, dataDirectory: directory, disk: SystemDisk())
            let configuration = try configuration(settings, directory, credentials)
            let isTLS = try settings.text("tls-certificate") != nil
            let server = StoreServer(configuration, logger: logger) { addresses in
                if let madePath {
                    print(
                        "lodestore root access-key=\(credentials.accessKey) secret-key=\(credentials.secret.revealed) file=\(madePath)"
                    )
                }
                let endpoint = addresses.first.map { "\(isTLS ? "https" : "http")://\(Self.bound($0))" } ?? ""
                ProgramRun.announceReady(program: "lodestore", facts: [("endpoint", endpoint), ("data", directory)])
            }
            try await ProgramRun.serve(server, logger: logger)
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

    private func settings() async throws(ConfigurationError) -> Settings {
        try await Settings(
            flags: [
                "data": data.map { .text($0) }, "listen": listen.map { .text($0) },
                "tls-certificate": tlsCertificate.map { .text($0) },
                "tls-key": tlsKey.map { .text($0) }, "region": region.map { .text($0) },
                "domain": domain.isEmpty ? nil : .list(domain),
                "root-credentials": rootCredentials.map { .text($0) }, "loops": loops.map { .integer($0) },
                "threads": threads.map { .integer($0) }, "drain-seconds": drainSeconds.map { .integer($0) },
                "log-level": logLevel.map { .text($0) },
            ], file: config)
    }

    private func configuration(
        _ settings: Settings, _ directory: String, _ credentials: RootCredentials
    ) throws -> StoreServerConfiguration {
        let address = try ListenAddress(settings.text("listen") ?? "127.0.0.1:9000", key: "listen")
        var identity: TLSIdentity?
        switch (try settings.text("tls-certificate"), try settings.text("tls-key")) {
        case (let certificate?, let key?): identity = try TLSIdentity(certificatePath: certificate, keyPath: key)
        case (nil, nil): break
        case (nil, _?): throw ConfigurationError.missing(key: "tls-certificate")
        case (_?, nil): throw ConfigurationError.missing(key: "tls-key")
        }
        var engine = EngineConfiguration(directory: directory)
        engine.threadCount = try settings.integer("threads", in: 1...1024) ?? engine.threadCount
        let domains = try (settings.list("domain") ?? []).map { $0.lowercased() }
        let service = S3ServiceConfiguration(
            region: try settings.text("region") ?? "us-east-1", domains: domains, accessKey: credentials.accessKey,
            secret: credentials.secret, now: engine.now)
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var configuration = StoreServerConfiguration(
            engine: engine, service: service,
            listeners: [.tcp(host: address.host, port: Int(address.port), tls: identity)],
            loopCount: try settings.integer("loops", in: 1...1024) ?? cores)
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
