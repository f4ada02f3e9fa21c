import ArgumentParser
import Launch
import ObjectEngine

/// `lodestore check`: holds a store that is not running to its own rules.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Checks a data directory that no process serves: every file, every record, every reference, every byte.",
        discussion: """
            Holds the directory to what was acknowledged and changes nothing in it. Prints what it counted and each problem \
            on a line of its own; exits with 1 when there is any.
            """)

    @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var data: String

    @Flag(help: "Leave the bodies unread: records and references only.")
    var recordsOnly = false

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore") {
            let report = try StoreCheck.run(data, readsBodies: !recordsOnly)
            try StandardOutput.printLine(
                "lodestore check objects=\(report.objectCount) uploads=\(report.uploadCount) blobs=\(report.blobCount) "
                    + "events=\(report.eventCount) orphans=\(report.orphanCount) problems=\(report.problems.count)")
            if let tail = report.tornTail { try StandardOutput.printLine("note: \(tail)") }
            for problem in report.problems { try StandardOutput.printLine("problem: \(problem)") }
            if !report.problems.isEmpty { throw ExitCode.failure }
        }
    }
}
