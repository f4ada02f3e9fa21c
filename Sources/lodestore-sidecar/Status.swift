import ArgumentParser
import DurableFiles
import JSONReader
import Launch
import ModelSync
import Names
import Telemetry

/// `lodestore-sidecar status`: what the sidecar of a cache directory last said of its models.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the state of each model and executor, from the status file in the cache directory.")

    @Option(help: ArgumentHelp("The sidecar's cache directory.", valueName: "dir"))
    var cache: String

    @Flag(help: "Print one JSON object a line: each model, with what each executor has of it.")
    var json = false

    @Flag(help: "With --json: print an object for each executor instead.")
    var executors = false

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-sidecar") {
            for line in try StatusFile(directory: cache).lines() {
                guard json else {
                    try StandardOutput.printLine(try Self.text(line))
                    continue
                }
                if line.hasBytePrefix("{\"executor\"") == executors { try StandardOutput.printLine(line) }
            }
        }
    }

    /// One line for a person: the name, the state, and why; what a name or a reason holds cannot pass for a line of its own.
    private static func text(_ line: String) throws(JSONError) -> String {
        var texts: [String: String] = [:]  // text: the keys of our own status file
        var isConnected = false
        try JSONReader.read(Array(line.utf8).span) { (json) throws(JSONError) in
            try json.beginObject()
            while let key = try json.nextKey() {
                let name = json.string(key)
                switch try json.peekKind() {
                case .string: texts[name] = try json.readString().printable
                case .boolean: isConnected = try json.readBool()
                default: try json.skipValue()
                }
            }
        }
        if let executor = texts["executor"] {
            return
                "executor \(executor) \(isConnected ? "connected" : "not connected: \(texts["problem"] ?? "not tried yet")")"
        }
        let version = texts["version"].map { " version \($0)" } ?? ""
        let reason = texts["reason"].map { ": \($0)" } ?? ""
        return "model \(texts["model"] ?? "") \(texts["state"] ?? "")\(version)\(reason)"
    }
}
