import DurableFiles
import Glibc
import Launch
import Logging
import ModelSync
import Names
import S3Client
import S3Types

/// The checked settings of `lodestore-sidecar run`.
struct RunPlan {
    let endpoint: S3Endpoint
    let bucket: BucketName
    let credentials: S3Credentials
    let cacheDirectory: String
    let cacheBudgetBytes: UInt64
    let niceness: Int32
    let logLevel: Logger.Level
    let sync: SyncConfiguration

    init(_ settings: Settings) throws(ConfigurationError) {
        let url = try settings.requiredText("endpoint")
        guard let endpoint = S3Endpoint(url: url) else {
            throw .unacceptable(key: "endpoint", value: url, accepted: "http://HOST[:PORT] or https://HOST[:PORT]")
        }
        self.endpoint = endpoint
        let name = try settings.requiredText("bucket")
        do throws(ValueError) {
            bucket = try BucketName(name)
        } catch {
            throw .unacceptable(key: "bucket", value: name, accepted: "the name of a bucket")
        }
        cacheDirectory = try settings.requiredText("cache")
        cacheBudgetBytes = UInt64(try settings.integer("cache-mib", in: 1...(1 << 30)) ?? 10_240) << 20
        niceness = Int32(try settings.integer("nice", in: 0...19) ?? 10)
        logLevel = try settings.logLevel()

        var sync = SyncConfiguration()
        sync.prefix = try settings.text("prefix") ?? ""
        sync.executors = try settings.list("executor") ?? []
        guard !sync.executors.isEmpty else { throw .missing(key: "executor") }
        for path in sync.executors
        where Set(sync.executors.map { Name($0) }).count != sync.executors.count || path.isEmpty
            || path.utf8.count > 107
        {
            throw .unacceptable(key: "executor", value: path, accepted: "different paths of 1 to 107 bytes")
        }
        sync.artifactLimitBytes = UInt64(try settings.integer("artifact-mib", in: 1...(1 << 20)) ?? 4096) << 20
        sync.pollInterval = .seconds(try settings.integer("poll-seconds", in: 1...86_400) ?? 5)
        sync.graphRuntime = try GraphLibrary.opened(try settings.text(GraphLibrary.key))
        self.sync = sync

        guard let credentials = S3Credentials.found(environment: Self.environment(), readFile: Self.text(ofFile:))
        else {
            throw .missing(key: "aws-access-key-id")
        }
        self.credentials = credentials
    }

    /// The AWS clients' own variables, which carry no prefix of ours.
    private static func environment() -> [String: String] {  // text: as the process has it
        let names = [
            "HOME", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        ]
        var found: [String: String] = [:]  // text: as the process has it
        for name in names {
            if let value = unsafe getenv(name) { found[name] = unsafe String(cString: value) }
        }
        return found
    }

    private static func text(ofFile path: String) -> String? {
        // A file that is not there or not readable holds no profile; that none was found at all is then the error.
        guard let bytes = try? SystemDisk().read(path, limitBytes: 1 << 20) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
