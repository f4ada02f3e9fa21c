import ArgumentParser
import Launch
import ObjectEngine

/// `lodestore check`: holds a store that is not running to its own rules.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks a data directory that no process serves: every record, every reference, every byte.",
        discussion: "Prints what it counted and each problem on a line of its own; exits with 1 when there is any.")

    @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var data: String

    @Flag(help: "Leave the bodies unread: records and references only.")
    var recordsOnly = false

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore") {
            var configuration = EngineConfiguration(directory: data)
            // Nothing is stored: no space is to be kept for it.
            configuration.reserveBytes = 0
            let engine = try StorageEngine.open(configuration)
            defer { engine.close() }
            let report = try engine.check(readsBodies: !recordsOnly)
            let orphanCount = report.problems.count { problem in
                switch problem {
                case .orphan, .orphanInline: true
                case .damage, .checksum, .references, .bucket: false
                }
            }
            try StandardOutput.printLine(
                "lodestore check objects=\(report.objectCount) uploads=\(report.uploadCount) blobs=\(report.blobCount) "
                    + "orphans=\(orphanCount) problems=\(report.problems.count)")
            for problem in report.problems { try StandardOutput.printLine("problem: \(problem)") }
            if !report.problems.isEmpty { throw ExitCode.failure }
        }
    }
}
