import ArgumentParser
import Launch
import ObjectEngine

/// `lodestore salvage`: what can be had of a damaged store, in a new directory.
struct SalvageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: "Writes what can be had of a damaged data directory into a new one and states what is lost.",
        discussion: """
            The damaged directory is only read. Every object is read whole and held to its checksum before it is carried over. \
            Prints what was carried over and each loss on a line of its own; exits with 0 when nothing is lost or of unknown \
            state, otherwise with 1.
            """)

    @Option(help: ArgumentHelp("The damaged data directory.", valueName: "dir"))
    var data: String

    @Option(help: ArgumentHelp("The directory to make.", valueName: "dir"))
    var to: String

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore") {
            let report = try Salvage.run(from: data, to: to)
            try StandardOutput.printLine(
                "lodestore salvage buckets=\(report.bucketCount) objects=\(report.objectCount) uploads=\(report.uploadCount) "
                    + "bytes=\(report.sizeBytes) commit=\(report.sequence) losses=\(report.losses.count)")
            if let tail = report.tornTail { try StandardOutput.printLine("note: \(tail)") }
            for loss in report.losses { try StandardOutput.printLine("\(loss)") }
            if !report.losses.isEmpty { throw ExitCode.failure }
        }
    }
}
