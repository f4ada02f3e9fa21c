import ArgumentParser
import AsyncHTTPClient
import Glibc
import Launch
import Logging
import ModelCache
import ModelSync
import S3Client
import S3Types
import ServiceLifecycle

/// `lodestore-sidecar run`: from the bucket into the executors, until it is told to stop.
struct Run: AsyncParsableCommand {
    private static let program = "lodestore-sidecar"

    static let configuration = CommandConfiguration(
        abstract: "Watches a bucket and keeps executors supplied with its models.",
        discussion: """
            Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the profile of the AWS clients; the \
            region from AWS_REGION or there. Every flag may also stand in the environment (LODESTORE_<NAME>) and in the \
            configuration file.
            """)

    @Option(help: ArgumentHelp("Where the store answers.", valueName: "url"))
    var endpoint: String?

    @Option(help: "The bucket with the models.")
    var bucket: String?

    @Option(help: "What the keys of models begin with; the whole bucket unless given.")
    var prefix: String?

    @Option(
        help: ArgumentHelp(
            "The directory for artifacts, images and the status; one sidecar to a directory.", valueName: "dir"))
    var cache: String?

    @Option(help: ArgumentHelp("How many MiB the cache may take; 10240 unless given.", valueName: "mib"))
    var cacheMib: Int?

    @Option(help: ArgumentHelp("An executor's control socket; may be given several times.", valueName: "path"))
    var executor: [String] = []

    @Option(help: ArgumentHelp("The largest artifact that is fetched, in MiB; 4096 unless given.", valueName: "mib"))
    var artifactMib: Int?

    @Option(help: "Seconds between two listings of a store without a feed; 5 unless given.")
    var pollSeconds: Int?

    @Option(help: "How far below other processes this one runs, 0 to 19; 10 unless given.")
    var nice: Int?

    @Option(
        help: ArgumentHelp(
            "ONNX Runtime's libonnxruntime.so, to run ONNX graphs that are not translated; without it such models are refused.",
            valueName: "path"))
    var onnxRuntime: String?

    @OptionGroup var program: ProgramOptions

    func run() async throws {
        try await ProgramRun.reporting(program: Self.program) {
            let settings = try program.settings(
                [
                    "endpoint": endpoint.map { .text($0) }, "bucket": bucket.map { .text($0) },
                    "prefix": prefix.map { .text($0) }, "cache": cache.map { .text($0) },
                    "cache-mib": cacheMib.map { .integer($0) }, "executor": executor.isEmpty ? nil : .list(executor),
                    "artifact-mib": artifactMib.map { .integer($0) }, "poll-seconds": pollSeconds.map { .integer($0) },
                    "nice": nice.map { .integer($0) }, GraphLibrary.key: onnxRuntime.map { .text($0) },
                ])
            try ProgramRun.checkDescriptors()
            try await serve(RunPlan(settings))
        }
    }

    private func serve(_ plan: RunPlan) async throws {
        // Threads inherit it from the one that starts them, so that it comes before all others.
        lowerPriority(niceness: plan.niceness)
        let logger = ProgramRun.startLogging(program: Self.program, level: plan.logLevel)
        let cache = try ModelCache(directory: plan.cacheDirectory, budgetBytes: plan.cacheBudgetBytes)
        let http = S3Client.httpClient()
        let client = S3Client(
            endpoint: plan.endpoint, bucket: plan.bucket, credentials: plan.credentials, http: http,
            now: { Int64(time(nil)) })
        let supervisor = ModelSupervisor(configuration: plan.sync, bucket: client, cache: cache, logger: logger)
        let facts = [
            ("endpoint", "\(plan.endpoint)"), ("bucket", plan.bucket.text), ("cache", plan.cacheDirectory),
            ("executors", plan.sync.executors.joined(separator: ",")),
        ]
        do {
            try await ProgramRun.serve(SupervisorService(supervisor: supervisor, facts: facts), logger: logger)
        } catch {
            // The first failure is the one to tell.
            try? await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    /// The supervisor as the service group has it: a stop is a cancellation.
    private struct SupervisorService: Service {
        let supervisor: ModelSupervisor
        let facts: [(String, String)]

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await supervisor.run(ready: { ProgramRun.announceReady(program: Run.program, facts: facts) })
            }
        }
    }
}
